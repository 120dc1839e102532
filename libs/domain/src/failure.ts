/** Failed builds of one input key that open a task's circuit: the first, and two more at once. */
export const failuresToOpenCircuit = 3;

const hour = 3_600_000;
/** After the circuit opened: one try after 1, 2, 4 … 32 hours, then daily (Docker Official Images use the same steps). */
export const circuitDelayMs = (failures: number): number => {
  const step = Math.max(0, failures - failuresToOpenCircuit);
  return step > 5 ? 24 * hour : 2 ** step * hour;
};

/** Between the attempts of a run that ended in an error of ours: 1 s doubling to 5 min. */
export const errorDelayMs = (attempt: number): number => Math.min(300_000, 1000 * 2 ** Math.min(attempt - 1, 9));
