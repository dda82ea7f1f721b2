import { render } from "solid-js/web";
import { App } from "./app.tsx";
import { current, isWhole, tracks } from "./map/current.ts";
import { readAt } from "./map/reading.ts";
import { view } from "./model/store.ts";
import { joinNotebook } from "./widget/page.ts";
import "./style/base.css";
import "./style/layout.css";
import "./style/controls.css";
import "./style/panels.css";
import "./style/over_map.css";
import "./style/dialogs.css";
import "./style/views.css";

const show = () => void render(() => <App />, document.getElementById("app")!);
// In the frame of a notebook's widget, requests and the view go over the channel of the notebook.
if (document.documentElement.dataset.host === "widget") void joinNotebook().then(show);
else show();

/** A handle for the console and the browser tests: what is shown, and the values behind it. */
const handle = { current, isWhole, readAt, tracks, view };
export type Handle = typeof handle;
(window as unknown as { karin: Handle }).karin = handle;
