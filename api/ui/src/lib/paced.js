// Two readings are so far apart, and further where one takes long: whoever
// follows a busy node asks it for a fifth of the time at the most.
const GAP = 600;
const SHARE = 4;

/**
 * paced makes of a reading one that may be asked for with every event: one goes
 * on at a time, and what is asked for meanwhile or soon after is one more.
 */
export function paced(read) {
  let wanted = false;
  let going = false;
  return async () => {
    wanted = true;
    if (going) return;
    going = true;
    while (wanted) {
      wanted = false;
      const from = performance.now();
      await read();
      await new Promise((done) => setTimeout(done, Math.max(GAP, SHARE * (performance.now() - from))));
    }
    going = false;
  };
}
