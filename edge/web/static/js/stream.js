// Follows the device's events: in the worker that the pages of a browser share, or in the page itself.
// fetch, and not EventSource, because EventSource hides why a connection failed and that nothing is heard any more.
const SILENT = 16000; // milliseconds; the device sends at least a comment every 5 s
const BEGIN = 8000; // until an answer must begin
const DOUBTFUL = 5000; // after a suspension the connection may be gone without a sign
const PAUSES = [300, 1000, 2000, 5000];
const EVENTS = new URL("../events", import.meta.url);

/**
 * Calls deliver(kind, data) for each event, and deliver("link", {state, reason}) when the connection changes: ok, gone
 * (nobody answers), login (it is refused without a login) or refused (for a reason).
 */
export function stream(deliver) {
  let connection, heard, welcome, waiting, failures = 0, timer;

  const silence = () => Date.now() - heard;

  async function connect() {
    const mine = connection = new AbortController();
    const watch = setInterval(() => silence() > (welcome ? SILENT : BEGIN) && mine.abort(), 1000);
    heard = Date.now();
    welcome = waiting = false;
    clearTimeout(timer);
    let link;
    try {
      const answer = await fetch(EVENTS, { cache: "no-store", signal: mine.signal });
      if (answer.ok) await read(answer);
      else link = await refusal(answer);
    } catch {
      link = { state: "gone" };
    }
    clearInterval(watch);
    if (connection !== mine) return; // stopped, or begun anew
    if (link && !welcome) deliver("link", link); // a connection that broke is tried again before anything is said
    waiting = true;
    timer = setTimeout(connect, PAUSES[Math.min(failures++, PAUSES.length - 1)]);
  }
  async function read(answer) {
    const reader = answer.body.getReader(), decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard = Date.now();
      const events = (text + decoder.decode(value, { stream: true })).split("\n\n");
      text = events.pop();
      if (!welcome) deliver("link", { state: "ok" });
      welcome = true;
      failures = 0;
      for (const [, kind, data] of events.map(event => /^event: (\w+)\ndata: (.*)$/.exec(event)).filter(Boolean))
        deliver(kind, JSON.parse(data));
    }
  }
  return {
    get open() { return !!connection; },
    /** Connects, or makes sure that the connection lives. */
    start() {
      if (connection && !waiting && silence() < (welcome ? DOUBTFUL : BEGIN)) return;
      this.stop();
      connect();
    },
    stop() {
      const old = connection;
      connection = undefined;
      clearTimeout(timer);
      old?.abort();
    },
  };
}

async function refusal(answer) {
  if (answer.status === 401) return { state: "login" };
  if ([502, 504].includes(answer.status)) return { state: "gone" }; // a proxy answers for the device
  const data = await answer.json().catch(() => ({}));
  return { state: "refused", reason: data.error ?? `HTTP ${answer.status}` };
}
