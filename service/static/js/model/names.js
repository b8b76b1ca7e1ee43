// Classes in sentences: a 7, an 8, an ankle boot.
export const article = (name) =>
  /^\d$/.test(name)
    ? `${name === "8" ? "an" : "a"} ${name}`
    : `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name.replace("T-shirt/top", "T-shirt or top").toLowerCase().replace("t-shirt", "T-shirt")}`;
