// @ts-check
// The page about the mathematics. Each section is a module; its state is in the address.
import "./page.js";
import "./maths/softmax.js";
import "./maths/box.js";
import "./maths/boxes.js";
import "./maths/regression.js";
import "./maths/check.js";
import { ready } from "./dom.js";

ready();
