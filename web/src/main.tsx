import { render } from "solid-js/web";
import { App } from "./app.tsx";
import "./style/base.css";
import "./style/layout.css";
import "./style/parts.css";
import "./style/views.css";

render(() => <App />, document.getElementById("app")!);
