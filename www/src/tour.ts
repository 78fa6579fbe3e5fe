/** The guided tour: each step is a link that puts the page into a state worth looking at. */

export interface Stop {
  title: string;
  text: string;
  /** The run, as the page's address says it. */
  query: string;
  /** The part of the page to look at. */
  part: string;
}

export const STOPS: Stop[] = [
  {
    title: "Train",
    text: "Softmax regression: one weight for each pixel and digit, 650 numbers with the biases. It was trained while the page opened. Press Train to watch it again in slow motion, then draw a digit.",
    query: "",
    part: "train",
  },
  {
    title: "Break it",
    text: "A published lab turned these weights into int8 by multiplying with 128 and casting. Weights above 1 wrap around to negative numbers, and 30 points of accuracy are gone.",
    query: "",
    part: "lab",
  },
  {
    title: "Repair it",
    text: "Take the lab’s three steps yourself: let the cast saturate, then choose the scale from the largest weight. Eight bits lose nothing.",
    query: "",
    part: "lab",
  },
  {
    title: "Size",
    text: "One byte for each weight in place of four, and one scale for all of them. The table adds up to the file, byte for byte; click a figure to see where it comes from.",
    query: "",
    part: "compare",
  },
  {
    title: "Time",
    text: "A model of 640 weights is done in well under a microsecond, and int8 changes little about that: rounding the inputs costs time too. Measure on your machine from which layer size on int8 pays.",
    query: "",
    part: "payoff",
  },
  {
    title: "Fewer bits",
    text: "Two bits a weight: −α, 0 or +α, with one α for the whole layer. Now accuracy is lost. The gallery shows which digits are read differently.",
    query: "scheme=ternary-per-tensor",
    part: "flips",
  },
  {
    title: "Per channel",
    text: "One α for each output, for a few bytes more: a digit with small weights no longer shares the scale of one with large weights.",
    query: "scheme=ternary-per-channel",
    part: "quantize",
  },
  {
    title: "Training for it",
    text: "Quantization-aware training rounds the weights in every forward pass, so that the model learns to live with it. Most of what was lost comes back, at the same size.",
    query: "scheme=ternary-per-channel-qat",
    part: "quantize",
  },
  {
    title: "Calibration gone wrong",
    text: "Static int8 fixes the ranges of the activations beforehand, from calibration images. Here entropy chose them from a single one: most of what other digits need is cut off, and with it most of the accuracy. Move the slider: two images are enough to bring all of it back.",
    query: "model=mlp&scheme=int8-static-entropy-per-tensor&samples=1&calibration-seed=161",
    part: "quantize",
  },
  {
    title: "Who is to blame?",
    text: "One bit a weight in a network of two layers. Which of them loses the answers? Keep that one in more bits, or let the search find the smallest model that loses no more than you allow.",
    query: "model=mlp&scheme=binary-per-channel",
    part: "blame",
  },
];
