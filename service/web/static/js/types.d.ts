// The fields of the API's JSON that the pages use. /openapi.json describes all fields.

export interface Epoch {
  epoch: number;
  train_loss: number | null;
  validation_loss?: number | null;
  validation_accuracy?: number | null;
  /** Null in trials of a sweep, as are the other figures of the test set. */
  test_loss: number | null;
  test_accuracy: number | null;
  /** Null without validation, and absent in entries of earlier versions, like the others. */
  validation_loss?: number | null;
  validation_accuracy?: number | null;
  test_balanced_accuracy?: number | null;
  test_macro_f1?: number | null;
  test_top5_accuracy?: number | null;
  seconds: number;
}

/** The mean train loss of the images since the entry before. */
export interface Loss {
  samples: number;
  train_loss: number;
}

export interface Recipe {
  name: string;
  engine: string;
  epochs: number;
  /** Null if `layers` is given, and the other way around. */
  hidden_sizes: number[] | null;
  layers?: HiddenLayer[] | null;
  [field: string]: unknown;
}

/** A hidden layer with the options of its type. */
export interface HiddenLayer {
  type: "convolution" | "max-pool" | "dense";
  /** Of a convolution. */
  channels?: number;
  kernel?: number;
  padding?: number;
  /** Of a max-pool. */
  size?: number;
  /** Of a convolution or a max-pool. */
  stride?: number;
  /** Of a dense layer. */
  neurons?: number;
}

/** A layer of a trained network. */
export interface NetworkLayer extends HiddenLayer {
  /** (height, width, channels), (height, width) or (size). */
  input_shape: number[];
  output_shape: number[];
}

/** The fields of each recipe, by its name. */
export type Recipes = Record<string, Record<string, unknown>>;

export interface Progress {
  epoch: number;
  epochs: number;
  samples: number;
  fraction: number;
  eta_seconds: number | null;
}

/** What all jobs have. */
interface AnyKind {
  id: string;
  title: string | null;
  notes: string;
  tags: string[];
  status: "queued" | "running" | "succeeded" | "failed" | "cancelled";
  queue_position: number | null;
  /** Null unless queued, and in status events. */
  waiting_for: { code: string; detail: string } | null;
  priority: number;
  submitted_by: string | null;
  requires: { device: string | null; memory: number | null };
  webhook: string | null;
  history: Epoch[];
  /** Null in lists and in status events. */
  losses: Loss[] | null;
  device: string | null;
  worker: string | null;
  attempts: number;
  peak_memory: number | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  model: string | null;
  /** Null before success, if it cannot be told, for imports, and for jobs of earlier versions. */
  better_than_guessing: boolean | null;
  error: { title: string; detail: string } | null;
  links: { self: string; events: string; result: string | null };
}

/** A message to the webhook of a job that has ended. */
export interface Delivery {
  id: string;
  url: string;
  state: "pending" | "delivered" | "dead";
  attempts: number;
  next_attempt_at: string | null;
  error: string | null;
}

/** A training. */
export interface Job extends AnyKind {
  kind: "train";
  recipe: Recipe;
  /** Id of the model whose training is run again. */
  reproduces?: string | null;
  reproduction?: {
    same: boolean;
    differs: { what: string; before: string; now: string }[];
  } | null;
  progress: Progress;
  /** Of a trial, or of the training of a winner: id of the sweep. Null for other trainings. */
  sweep?: string | null;
  /** Number of the trial in its sweep; null for other trainings. */
  trial?: number | null;
  params?: Record<string, unknown> | null;
  pruned?: boolean;
}

/** A sweep. Its history and losses are empty. */
export interface SweepJob extends AnyKind {
  kind: "sweep";
  recipe: Recipe;
  progress: SweepProgress;
}

/** The progress of a job that is no training. */
export interface Stage {
  stage: string;
  samples: number;
  samples_total: number | null;
  fraction: number;
  eta_seconds: number | null;
}

/** The import of an uploaded file. Its history and losses are empty. */
export interface ImportJob extends AnyKind {
  kind: "import";
  upload: { name: string; bytes: number };
  progress: Stage;
  /** Id of the data set. Null before success. */
  dataset: string | null;
}

/** The prediction of a data set. Its history and losses are empty. */
export interface PredictionJob extends AnyKind {
  kind: "predict";
  prediction: {
    model: string;
    /** Null for the samples of a file, as is the split. */
    dataset: string | null;
    split: "train" | "test" | null;
    file: { bytes: number } | null;
  };
  progress: Stage;
}

/** A job that is no training. */
export type OtherJob = ImportJob | PredictionJob | SweepJob;

export type AnyJob = Job | OtherJob;

/** What the prediction of a data set has found. */
export interface Prediction {
  samples: number;
  /** Null if the labels are not known, or one is a class that the model does not have. */
  evaluation: Evaluation | null;
  uncertain: {
    index: number;
    label: string | null;
    predicted: string;
    probability: number;
    entropy: number;
  }[];
}

/** Numbers from `low` to `high`. */
export interface Range {
  low: number;
  high: number;
  log: boolean;
  step: number | null;
}

export type Domain = Range | { choices: unknown[] } | { count: Range; size: Range };

export type Metric = "validation_loss" | "validation_accuracy";

/** A training of a sweep. */
export interface Trial {
  number: number;
  job: string;
  params: Record<string, unknown>;
  state: "queued" | "running" | "complete" | "pruned" | "failed" | "cancelled";
  /** The metric after each epoch so far, from epoch 1. */
  values: number[];
  /** Null unless complete. */
  value: number | null;
  /** The training of the winner. */
  final: boolean;
  model: string | null;
}

export interface SweepProgress {
  trials_ended: number;
  trials: number;
  fraction: number;
  eta_seconds: null;
}

export interface Sweep {
  id: string;
  status: AnyKind["status"];
  recipe: Recipe;
  search: {
    space: Record<string, Domain>;
    trials: number;
    parallel: number;
    sampler: string;
    pruner: string;
    metric: Metric;
    final: boolean;
  };
  progress: SweepProgress;
  /** Null in lists. */
  trials: Trial[];
  best: Trial | null;
  winner: Trial | null;
  importance: Record<string, number> | null;
  model: string | null;
  error: { title: string; detail: string } | null;
  submitted_by: string | null;
  webhook: string | null;
  title: string | null;
  notes: string;
  tags: string[];
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface Published {
  history: Epoch[];
  mean_test_accuracy: number | null;
}

export interface Evaluation {
  accuracy: number;
  /** Null if the test set is too small to tell. */
  better_than_guessing: boolean | null;
  balanced_accuracy?: number;
  macro_f1?: number;
  /** Null with up to five classes. */
  top5_accuracy?: number | null;
  loss: number;
  confusion_matrix: number[][];
  recall: (number | null)[];
  precision: (number | null)[];
  expected_calibration_error: number;
  bins: { count: number; confidence: number; accuracy: number }[];
}

export interface Split {
  samples: number;
  per_class: number[];
}

/** What is known about a data set. */
export interface Dataset {
  id: string;
  name: string;
  title: string;
  kind: "images" | "vectors";
  /** Height and width of grey images, with 3 for color images, or the number of features. */
  shape: number[];
  classes: string[];
  columns: string[] | null;
  background: "dark" | "light" | null;
  train: Split;
  test: Split;
  /** Of the files of a built-in data set; empty for any other. */
  checksums: Record<string, string>;
}

export interface Model {
  id: string;
  job: string;
  recipe: Recipe;
  dataset: Dataset;
  classes: string[];
  parameters: number;
  device: string;
  computer: { processor: string } | null;
  created_at: string;
  title?: string | null;
  notes?: string;
  tags?: string[];
  history: Epoch[];
  /** Null in lists and in cards of earlier versions. */
  losses: Loss[] | null;
  evaluation: Evaluation;
  title: string | null;
  notes: string;
  tags: string[];
  weights: { sha256: string };
  /** What is kept of the steps of the training; null if nothing is. */
  steps?: { steps: number; snapshots: number } | null;
}

/** What a model must achieve before an alias may name it. */
export interface Gate {
  min_accuracy: number | null;
  max_calibration_error: number | null;
  dataset: string | null;
}

export interface Alias {
  name: string;
  model: string;
  gate: Gate | null;
  history: {
    model: string;
    action: "set" | "rollback";
    /** Null if a version of Stepbox set it that kept no history. */
    set_at: string | null;
    set_by: string | null;
    figures: { accuracy: number } | null;
  }[];
}

export interface TestImage {
  index: number;
  label: number;
  pixels: number[];
}

/** A column of a data set of vectors. Figures that are too large are null. */
export interface ColumnSummary {
  name: string | null;
  mean: number | null;
  deviation: number | null;
  minimum: number | null;
  maximum: number | null;
}

export interface Prediction {
  index: number;
  label: string;
  probabilities: number[];
  logits: number[];
  margin: number;
  entropy: number;
  /** In the shape of the sample, like `seen`. */
  gradient?: any[];
  seen?: any[];
  fit?: Fit;
  ink?: false;
  layers?: LayerActivations[];
  occlusion?: Occlusion;
}

/** A step of a training, and what it did to the loss of a sample. Losses are in nats. */
export interface TaughtStep {
  step: number;
  epoch: number;
  batch_size: number;
  /** The first ones of the batch: indices in the training set, and classes. */
  samples: number[];
  labels: number[];
  loss_before: number;
  loss_after: number;
  change: number;
}

/** The steps that changed the loss of a sample most, among those next to the snapshots. */
export interface Taught {
  label: number;
  predicted: number;
  loss: number;
  steps: number;
  steps_looked_at: number;
  snapshots: number[];
  lowered: TaughtStep[];
  raised: TaughtStep[];
}

/** How much less probable the class is while each part of the image is covered. */
export interface Occlusion {
  /** Side of the square that is covered, in pixels. */
  size: number;
  /** Side of a cell, in pixels. */
  stride: number;
  fill: number;
  /** By rows and columns of cells. */
  drops: number[][];
}

export interface LayerActivations {
  /** Of the output: (height, width, channels) or (size). */
  shape?: number[];
  /** Row by row, with the feature maps last. */
  activations: number[];
  /** Of a max-pool, (height, width, channels): row and column of each maximum in its input. */
  winners?: [row: number, column: number][][][];
  contributions?: number[][];
  biases?: number[];
}

/** How the API put an image on the pixels that the network sees. */
export interface Fit {
  box: [left: number, top: number, right: number, bottom: number];
  zoom: number;
  offset: [x: number, y: number];
  inverted: boolean;
  preparation: "none" | "mnist" | "fashion-mnist";
  stroke_width: [before: number, after: number] | null;
  lines_removed: number;
  desk_cropped: boolean;
}

export interface Check {
  name: string;
  ready: boolean;
  detail: string;
}

declare global {
  /** Responses that were requested before the module of the page arrived, by method and path. */
  var early: Map<string, Promise<Response>> | undefined;
}
