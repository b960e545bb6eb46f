import { useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client";

// Something that a person does here: once at a time, and what went wrong is said.
export type Act = (work: () => Promise<unknown>) => Promise<void>;

export function useAct() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const act: Act = async (work) => {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(asProblem(error, "That did not work"));
    }
    setBusy(false);
  };
  return { busy, problem, act };
}
