import { render } from "solid-js/web";
import { App } from "./app.tsx";
import { current, isWhole, tracks } from "./map/current.ts";
import { readAt } from "./map/reading.ts";
import { view } from "./model/store.ts";
import "./style/base.css";
import "./style/layout.css";
import "./style/parts.css";
import "./style/views.css";

render(() => <App />, document.getElementById("app")!);

/** A handle for the console and the browser tests: what is shown, and the values behind it. */
const handle = { current, isWhole, readAt, tracks, view };
export type Handle = typeof handle;
(window as unknown as { karin: Handle }).karin = handle;
