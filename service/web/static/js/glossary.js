// @ts-check
// The page of all terms. The browser marks the one that the address names.
import "./page.js";
import { ready } from "./dom.js";

ready();
