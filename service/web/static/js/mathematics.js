// Mathematics: each section is a module that draws itself; state is in the address.
import "./maths/softmax.js";
import "./maths/box.js";
import "./maths/boxes.js";
import "./maths/regression.js";
import "./maths/check.js";
import { ready } from "./common.js";

ready();
