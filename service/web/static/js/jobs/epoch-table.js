// @ts-check
// The epochs of a training as a table.
import { h, numberCell, table } from "../dom.js";
import { fixed, percent } from "../numbers.js";
import { duration } from "../times.js";

/** Build the table, the latest epoch first. @param {import("../types.d.ts").Epoch[]} history */
export function epochTable(history) {
  const validated = history.some((row) => row.validation_loss != null);
  const rows = history.toReversed().map((row) => {
    const cells = [
      String(row.epoch),
      row.train_loss == null ? "—" : fixed(row.train_loss, 4),
      row.test_loss == null ? "—" : fixed(row.test_loss, 4),
      row.test_accuracy == null ? "—" : percent(row.test_accuracy, 2),
      ...(validated
        ? [fixed(row.validation_loss ?? NaN, 4), percent(row.validation_accuracy ?? NaN, 2)]
        : []),
      row.epoch ? duration(row.seconds) : "—",
    ];
    return h("tr", null, ...cells.map((cell) => numberCell(cell)));
  });
  const validation = validated ? ["Validation, nats", "Validation accuracy"] : [];
  const headers = ["Epoch", "Train, nats", "Test, nats", "Accuracy", ...validation, "Time"];
  return table(
    headers.map((header) => [header, true]),
    rows,
  );
}
