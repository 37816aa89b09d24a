// Audit: a random sample of answers, labelled one by one, by keyboard. The labels go to the service at once.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { chosenOf, TrueLabels, TrueNumber } from "./answer.js";
import { count, limits, percent } from "./numbers.js";
import { feedback, predict } from "./service.js";
import { Visible } from "./text.js";
import { Drop } from "./try.js";

const ENOUGH = 20; // labels from which the monitor says anything of the accuracy

// A queue: rows [{id, index, texts}], labels and sent (by row: what was chosen, what the service has), answers
// (by row: what the model says now), order (rows in the order in which they were labelled), at (row shown).
export function Audit({ service, active }) {
  const place = `touchstone audit ${service.task}`; // of this tab: a reload keeps it, closing the tab forgets the texts
  const [queue, setQueue] = useState(() => JSON.parse(sessionStorage.getItem(place)));
  const [error, setError] = useState(null);
  useEffect(() => {
    try {
      if (queue) sessionStorage.setItem(place, JSON.stringify(queue));
      else sessionStorage.removeItem(place);
    } catch {
      setError("This queue is too large for the browser to keep: it is lost when the page is loaded again. The labels are not.");
    }
  }, [queue]);
  const take = async ([file]) => {
    try {
      setQueue(read(await file.text(), file.name));
      setError(null);
    } catch (failure) {
      setError(failure.message);
    }
  };
  return html`
    <h1 class="title">Is the model still right? Label a random sample</h1>
    ${error && html`<p class="error" role="alert">${error}</p>`}
    ${queue
      ? html`<${Labelling} queue=${queue} change=${setQueue} service=${service} active=${active} />`
      : html`<${Start} service=${service} take=${take} />`}
  `;
}

/** The queue that `python -m monitoring audit` has written. */
function read(text, name) {
  const { data } = Papa.parse(text.replace(/^\ufeff/, ""), { header: true, skipEmptyLines: "greedy" });
  const known = data.filter((row) => row.request_id && /^\d+$/.test(row.index ?? ""));
  if (!known.length) throw new Error(`${name} is no queue; expected the file that python -m monitoring audit writes, with the columns request_id, index and text.`);
  const texts = (row) => [row.text, row.text_pair].filter((one) => one?.trim()).map(plain);
  const rows = known.map((row) => ({ id: plain(row.request_id), index: Number(row.index), texts: texts(row) })).filter((row) => row.texts.length);
  if (!rows.length) throw new Error(`None of the ${count(known.length)} rows of ${name} has a text: the service stores none. See below how to switch that on.`);
  return { name, rows, left: known.length - rows.length, labels: {}, sent: {}, answers: {}, order: [], at: 0 };
}

/** A cell without the apostrophe that kept a spreadsheet from computing it. */
const plain = (cell) => (/^'[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell);

function Start({ service, take }) {
  if (service.pipeline_tag === "image-classification") {
    return html`<div class="card notice"><p><b>Pictures are not stored,</b> so there is nothing to show here. Label a sample where the pictures come from, and send each label
      to <code>POST /feedback</code> with the <code>X-Request-ID</code> of its answer and <code>"source": "audit"</code>.</p></div>`;
  }
  const stores = ["redacted", "full"].includes(service.log_inputs);
  return html`
    <p>A person says of some answers, drawn at random, what would have been true: that tells how often the model is right, as no figure without labels can.</p>
    <ol class="steps">
      <li>Draw the sample where the request log is:
        <pre tabindex="0"><code>python -m monitoring audit ${service.task} --n 100 --out audit.csv</code></pre></li>
      <li>Give the file to this page. It is read here and sent nowhere; only your labels go to the service.
        <${Drop} accept=".csv,text/csv" take=${take}>Drop audit.csv here, or <u>choose it</u>.<//></li>
      <li>Label by keyboard. The monitor counts the labels in its next run.</li>
    </ol>
    ${!stores &&
    html`<div class="card notice"><p><b>This service does not store texts</b> (log_inputs: ${service.log_inputs}), so that the file will have none to read.
      To have them from then on, put this into the task's YAML file and train again; <code>redacted</code> leaves out mail addresses, telephone and card numbers:</p>
      <pre tabindex="0"><code>monitoring: {"{"}log_inputs: redacted{"}"}</code></pre></div>`}
  `;
}

function Labelling({ queue, change, service, active }) {
  const [error, setError] = useState(null);
  const busy = useRef(false);
  const { rows, labels, at } = queue;
  const done = Object.keys(labels).length;
  const choose = (label) => change((old) => withLabel(old, label));
  const go = (step) => change((old) => ({ ...old, at: Math.min(Math.max(old.at + step, 0), old.rows.length - 1) }));
  const undo = () => change(withoutLast);
  useEffect(() => {
    if (!busy.current && !error) keepUp();
  }, [queue, error]);

  // One after the other: first the label, then what the model says now, never before.
  const keepUp = async () => {
    const isNew = (i) => i in labels && JSON.stringify(labels[i]) !== queue.sent[i];
    const i = rows.findIndex((_, k) => isNew(k) || (k in labels && !(k in queue.answers)));
    if (i < 0) return;
    busy.current = true;
    try {
      const row = rows[i];
      if (isNew(i)) await feedback(row.id, row.index, labels[i], "audit");
      const [text, pair] = row.texts;
      const answer = queue.answers[i] ?? (await predict(pair === undefined ? text : { text, text_pair: pair }, "audit")).value;
      busy.current = false;
      change((old) => ({ ...old, sent: { ...old.sent, [i]: JSON.stringify(labels[i]) }, answers: { ...old.answers, [i]: answer } }));
    } catch (failure) {
      busy.current = false;
      setError(failure.message);
    }
  };

  useLayoutEffect(() => {
    // at once: the first key may come before the next frame
    const pressed = (event) => {
      if (!active || event.altKey || event.metaKey || /INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) return;
      const label = service.problem_type === "single_label_classification" && service.labels[Number(event.key) - 1];
      const isUndo = event.key === "u" || event.key === "Backspace" || (event.key === "z" && event.ctrlKey);
      const act = isUndo ? undo : { ArrowLeft: () => go(-1), ArrowRight: () => go(1) }[event.key];
      if (!act && (!label || event.ctrlKey)) return;
      event.preventDefault();
      (act ?? (() => choose(label)))();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [active]);

  return html`
    <p class="progress"><progress aria-label="Labelled" max=${rows.length} value=${done}></progress>
      <span>${count(done)} of ${count(rows.length)} labelled</span>
      ${queue.left > 0 && html`<span class="soft">${count(queue.left)} rows without a text are left out</span>`}</p>
    ${error && html`<div class="error" role="alert"><p>${error} Your labels are kept here.</p><button onClick=${() => setError(null)}>Send again</button></div>`}
    <${Told} queue=${queue} service=${service} />
    <section class="card item" aria-label="Text to label" aria-live="polite">
      <p class="soft">Text ${count(at + 1)}${at in labels && html`, labelled <b>${[labels[at]].flat().join(", ") || "none"}</b>`}</p>
      ${rows[at].texts.map((text) => html`<p class="text" dir="auto"><${Visible} text=${text} /></p>`)}
    </section>
    <${Choice} key=${at} label=${labels[at]} service=${service} choose=${choose} />
    <p class="actions">
      <button onClick=${() => go(-1)} disabled=${at === 0}><kbd>←</kbd> Back</button>
      <button onClick=${() => go(1)} disabled=${at === rows.length - 1}><kbd>→</kbd> Skip</button>
      <button onClick=${undo} disabled=${!queue.order.length}><kbd>U</kbd> Undo</button>
      <button onClick=${() => change(null)} disabled=${done > Object.keys(queue.sent).length}>Put this queue away</button>
    </p>
    ${done === rows.length && html`<p role="status"><b>All are labelled.</b> The monitor counts them in its next run: <code>python -m monitoring ${service.task}</code></p>`}
  `;
}

function withLabel(queue, label) {
  const labels = { ...queue.labels, [queue.at]: label };
  const order = [...queue.order.filter((i) => i !== queue.at), queue.at];
  const open = (i) => !(i in labels);
  const next = queue.rows.findIndex((_, i) => i > queue.at && open(i));
  const any = next < 0 ? queue.rows.findIndex((_, i) => open(i)) : next;
  return { ...queue, labels, order, at: any < 0 ? queue.at : any };
}

/** Back to what was labelled last, to say it anew: of a text the last label counts, also for the service. */
function withoutLast(queue) {
  if (!queue.order.length) return queue;
  const at = queue.order.at(-1);
  const { [at]: _, ...labels } = queue.labels;
  return { ...queue, labels, order: queue.order.slice(0, -1), at };
}

function Choice({ label, service, choose }) {
  if (service.problem_type === "regression") return html`<${TrueNumber} send=${choose} />`;
  if (service.problem_type === "multi_label_classification") return html`<${TrueLabels} first=${label ?? []} service=${service} send=${choose} />`;
  return html`<div class="choice" role="group" aria-label="The true label">
    ${service.labels.map(
      (one, i) => html`<button aria-pressed=${one === label} onClick=${() => choose(one)}>${i < 9 && html`<kbd>${i + 1}</kbd> `}${one}</button>`,
    )}
  </div>`;
}

/** What the labels so far say of the model that answers now. */
function Told({ queue, service }) {
  const compared = Object.keys(queue.labels).filter((i) => i in queue.answers);
  const n = compared.length;
  if (service.problem_type === "regression") {
    if (!n) return null;
    const off = compared.reduce((sum, i) => sum + Math.abs(queue.answers[i][0].score - queue.labels[i]), 0) / n;
    return html`<p role="status">So far the model is off by <b>${off.toFixed(2)}</b> on average, by ${count(n)} labels.</p>`;
  }
  if (n === 0) return html`<p class="soft">What the model says is shown only in sum, after you have said what is true.</p>`;
  const same = (i) => [queue.labels[i]].flat().sort().join("\n") === [...chosenOf(queue.answers[i], service)].sort().join("\n");
  const right = compared.filter(same).length;
  const [low, high] = limits(right, n);
  return html`<div role="status"><p>So far the model is right in <b>${right} of ${n}</b>: ${percent(right / n)}, and with 95 % certainty between
    <b> ${percent(low)}</b> and <b>${percent(high)}</b>.</p>
    <div class="interval" aria-hidden="true"><span style=${{ left: `${100 * low}%`, width: `${100 * (high - low)}%` }}></span><i style=${{ left: `${(100 * right) / n}%` }}></i></div>
    ${n < ENOUGH && html`<p class="soft">The monitor says something from ${ENOUGH} labels on.</p>`}</div>`;
}
