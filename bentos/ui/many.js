// Many inputs: pasted lines, a CSV file or pictures; a table that fills, can be filtered and taken along.

import { html, useEffect, useMemo, useRef, useState } from "./vendor/htm-preact.js";
import { chosenOf, inWords, Verdict } from "./answer.js";
import { count, percent } from "./numbers.js";
import { predictMany } from "./service.js";
import { Visible } from "./text.js";
import { dataUrl, Drop } from "./try.js";

const SHOWN = 100; // rows at a time
const ALL = "";

export function Many({ service, what }) {
  const [source, setSource] = useState(null); // {name, inputs, names, table}
  const [error, setError] = useState(null);
  const take = async (files) => {
    try {
      setSource(what === "picture" ? await pictures(files) : await table(files[0], service));
      setError(null);
    } catch (failure) {
      setError(failure.message);
    }
  };
  const accept = what === "picture" ? "image/*" : ".csv,.tsv,.txt,text/csv,text/plain";
  return html`
    ${what === "text" && html`<${Lines} take=${(text) => setSource(lines("the lines pasted", text))} />`}
    <${Drop} accept=${accept} multiple=${what === "picture"} take=${take}>
      ${what === "picture" ? "Drop pictures here" : "Drop a CSV file or a text file with a text a line here"}, or <u>choose</u>.
    <//>
    ${error && html`<p class="error" role="alert">${error}</p>`}
    ${source?.table && html`<${Columns} source=${source} service=${service} change=${(columns) => setSource({ ...source, columns })} />`}
    ${source && html`<${Run} key=${source.name + (source.columns ?? "")} source=${source} service=${service} atOnce=${!source.table} />`}
  `;
}

function Lines({ take }) {
  const [text, setText] = useState("");
  const n = text.split("\n").filter((line) => line.trim()).length;
  return html`<form onSubmit=${(event) => (event.preventDefault(), n && take(text))}>
    <label class="field">Texts, one a line
      <textarea rows="5" dir="auto" value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label>
    <p class="actions"><button class="main" disabled=${!n}>Ask for ${n > 1 ? `${count(n)} answers` : "the answers"}</button></p>
  </form>`;
}

function lines(name, text) {
  const found = text.split(/\r?\n/).filter((line) => line.trim());
  return { name: `${name} ${Date.now()}`, inputs: found, names: found };
}

async function pictures(files) {
  return { name: `${files.length} pictures ${Date.now()}`, inputs: await Promise.all(files.map(dataUrl)), names: files.map(({ name }) => name) };
}

/** A file as lines, or as a table whose columns are the task's where it has them, else the longest texts. */
async function table(file, service) {
  const text = await file.text();
  if (/\.txt$/i.test(file.name) && service.inputs.length === 1) return lines(file.name, text);
  const { data, meta } = Papa.parse(text, { header: true, skipEmptyLines: "greedy" });
  if (!data.length || !meta.fields?.length) throw new Error(`${file.name} holds no rows; expected a line with the names of the columns, then the rows.`);
  const length = (column) => data.slice(0, 100).reduce((sum, row) => sum + (row[column]?.length ?? 0), 0);
  const longest = [...meta.fields].sort((one, other) => length(other) - length(one));
  const columns = service.inputs.map((name, i) => (meta.fields.includes(name) ? name : (longest[i] ?? longest[0])));
  return { name: `${file.name} ${Date.now()}`, table: data, fields: meta.fields, columns };
}

function Columns({ source, service, change }) {
  const choose = (i, name) => change(source.columns.map((old, k) => (k === i ? name : old)));
  return html`<p class="actions">${service.inputs.map(
    (input, i) => html`<label>Column with the ${input.replaceAll("_", " ")}
      <select value=${source.columns[i]} onChange=${(event) => choose(i, event.target.value)}>
        ${source.fields.map((name) => html`<option value=${name}>${name}</option>`)}
      </select></label>`,
  )}</p>`;
}

/** The inputs of a table's columns with what to call them; rows without a text are left out. */
function read(source) {
  if (!source.table) return { ...source, rows: source.names.map((text) => ({ text })) };
  const rows = source.table.filter((row) => source.columns.every((column) => row[column]?.trim()));
  const texts = rows.map((row) => source.columns.map((column) => row[column]));
  const inputs = texts.map(([text, pair]) => (pair === undefined ? text : { text, text_pair: pair }));
  return { inputs, names: texts.map((pair) => pair.join(" / ")), rows, left: source.table.length - rows.length };
}

/** Lines are asked about at once; of a table a person may want another column. */
function Run({ source, service, atOnce }) {
  const { inputs, names, rows, left } = useMemo(() => read(source), []);
  const [items, setItems] = useState(null); // answered so far
  const [error, setError] = useState(null);
  const state = useRef({ over: false }).current;
  const run = async () => {
    state.over = false;
    setError(null);
    const found = items ? [...items] : [];
    const first = found.length;
    const told = (start, part, { value, headers }) => {
      const of = { requestId: headers.get("X-Request-ID"), tag: headers.get("X-Model-Tag") };
      found.push(...value.map((answer, index) => ({ ...of, index, answer, at: first + start + index })));
      setItems([...found]);
    };
    setItems(found);
    try {
      await predictMany(inputs.slice(first), "many", service.max_items, told, () => state.over);
    } catch (failure) {
      setError(failure.message);
    }
    state.over = true;
    setItems([...found]);
  };
  useEffect(() => void (atOnce && run()), []);
  const isRunning = items && !state.over;
  const isDone = items?.length === inputs.length;
  return html`<section aria-label="Answers">
    ${left > 0 && html`<p class="soft">${count(left)} rows without a text are left out.</p>`}
    ${inputs.length === 0 && html`<p class="error" role="alert">There is no text in that column.</p>`}
    <p class="progress">
      ${!isDone && !isRunning && html`<button class="main" disabled=${!inputs.length} onClick=${run}>${items ? "Go on" : `Ask about ${count(inputs.length)}`}</button>`}
      ${isRunning && html`<progress aria-label="Answered" max=${inputs.length} value=${items.length}></progress>
        <button onClick=${() => (state.over = true)}>Stop</button>`}
      ${items && html`<span role="status">${count(items.length)} of ${count(inputs.length)} answered</span>`}
    </p>
    ${error && html`<p class="error" role="alert">${error}</p>`}
    ${items?.length > 0 && html`<${Table} items=${items} names=${names} rows=${rows} service=${service} />`}
  </section>`;
}

function Table({ items, names, rows, service }) {
  const [filter, setFilter] = useState({ label: ALL, text: "", unsure: false });
  const [shown, setShown] = useState(SHOWN);
  const set = (change) => (setFilter({ ...filter, ...change }), setShown(SHOWN));
  const wanted = filter.text.toLowerCase();
  const found = items.filter(
    ({ answer, at }) =>
      (filter.label === ALL || chosenOf(answer, service).includes(filter.label)) && names[at].toLowerCase().includes(wanted),
  );
  if (filter.unsure) found.sort((one, other) => sureness(one, service) - sureness(other, service));
  const isRegression = service.problem_type === "regression";
  return html`
    <p class="actions filters">
      <label>Holding <input type="search" value=${filter.text} onInput=${(event) => set({ text: event.target.value })} /></label>
      ${!isRegression && html`<label>Answered
        <select value=${filter.label} onChange=${(event) => set({ label: event.target.value })}>
          <option value=${ALL}>anything</option>
          ${service.labels.map((label) => html`<option value=${label}>${label}</option>`)}
        </select></label>
      <label><input type="checkbox" checked=${filter.unsure} onChange=${(event) => set({ unsure: event.target.checked })} /> least sure first</label>`}
      <button onClick=${() => download(found, rows, service)}>Download ${count(found.length)} as CSV</button>
    </p>
    <div class="scroll" role="region" aria-label="Answers in a table" tabindex="0"><table class="answers">
      <thead><tr><th>text</th><th>answer</th>${!isRegression && html`<th class="n">score</th>`}<th>right?</th></tr></thead>
      <tbody>${found.slice(0, shown).map(
        (item) => html`<tr key=${item.at}>
          <td class="long" dir="auto"><${Visible} text=${names[item.at].slice(0, 600)} /></td>
          <td>${inWords(item.answer, service)}</td>
          ${!isRegression && html`<td class="n">${percent(item.answer[0].score)}</td>`}
          <td><${Verdict} item=${item} service=${service} short /></td>
        </tr>`,
      )}</tbody>
    </table></div>
    ${found.length > shown && html`<p><button onClick=${() => setShown(shown + 5 * SHOWN)}>Show more of ${count(found.length)}</button></p>`}
    ${found.length === 0 && html`<p class="soft">Nothing is left by this filter.</p>`}
  `;
}

/** How far the answer is from being another one. */
function sureness({ answer }, service) {
  if (service.problem_type === "multi_label_classification") return Math.min(...answer.map(({ score }) => Math.abs(score - 0.5)));
  return answer[0].score;
}

/** The rows with their answers; a cell that a spreadsheet would compute begins with an apostrophe. */
function download(items, rows, service) {
  const data = items.map(({ answer, at, requestId, index, tag }) => ({
    ...rows[at],
    answer: inWords(answer, service),
    ...Object.fromEntries(service.labels.map((label) => [`score of ${label}`, answer.find((one) => one.label === label)?.score])),
    request_id: requestId,
    index,
    model_tag: tag,
  }));
  const url = URL.createObjectURL(new Blob(["\ufeff", Papa.unparse(data, { escapeFormulae: true })], { type: "text/csv" }));
  Object.assign(document.createElement("a"), { href: url, download: `${service.task}-answers.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
