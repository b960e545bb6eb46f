import { render } from "preact";
import { App } from "./app";
import { startKeys } from "./keys";
import { startRouter } from "./router";
import { startSession } from "./session";
import { startTheme } from "./theme";
import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/case.css";
import "./style/pages.css";

startTheme();
startRouter();
startKeys();
startSession();
render(<App />, document.getElementById("app")!);
