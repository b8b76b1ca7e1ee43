// @ts-check
// The functions of Observable Plot that the charts use. `bin/vendor-assets` bundles them with the
// parts of D3 that they need.
export {
  dot,
  line,
  lineY,
  link,
  plot,
  pointerX,
  rect,
  rectY,
  ruleX,
  ruleY,
  text,
  tip,
} from "@observablehq/plot";
