// A stream that says nothing for this long, not even that it lives, is dead.
const SILENT = 40_000;

/**
 * sse reads server-sent events from an answer's body until it ends. It reads
 * what fetch gives, since an EventSource cannot send a token.
 */
export async function* sse(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    let timer;
    const silent = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error('silent')), SILENT)));
    const { done, value } = await Promise.race([reader.read(), silent]).finally(() => clearTimeout(timer));
    if (done) return;
    const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) yield message(block);
  }
}

function message(block) {
  const m = {};
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) m.id = line.slice(4);
    else if (line.startsWith('event: ')) m.type = line.slice(7);
    else if (line.startsWith('data: ')) m.data = line.slice(6);
  }
  return m;
}
