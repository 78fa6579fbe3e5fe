/** When the models in use are not sure. */

import { signal } from "@preact/signals";
import type { ConfidenceRule } from "./wasm/quantpad.js";

export const rule = signal<ConfidenceRule | null>(null);
