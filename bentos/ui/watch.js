// Watch: can the model still be trusted? The monitor's verdicts, and how the service does at present.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { parse, quantile, sum } from "./metrics.js";
import { count, milliseconds, moment, percent, span } from "./numbers.js";
import { bars, limitsPlot, lines, Plot, roundTop } from "./plots.js";
import { ask, askJson, hasKey, urlOf } from "./service.js";

const WINDOWS_EVERY = 30_000; // ms
const METRICS_EVERY = 5_000;
const KEPT = 13; // scrapes: the last minute
const DRAWN = 96; // windows
const LISTED = 12; // at first
const MOVED = 3; // columns named
const ALARMS = ["CONTRACT", "PERFORMANCE", "DRIFT"];
const MEANINGS = {
  OK: "Nothing moved beyond chance.",
  WATCH: "It moved once; if the next window has moved too, that is drift.",
  DRIFT: "What is asked now is not what the model was tried on.",
  PERFORMANCE: "The model is right less often than it was.",
  CONTRACT: "The request log is not what the monitor was promised.",
  INSUFFICIENT: "Too few requests to say anything.",
};
const COLUMNS = {
  label: "predicted label",
  tokens: "words",
  n_chars: "length in characters",
  n_tokens: "length in tokens",
  subword_rate: "rate of split words",
  unk_rate: "rate of unknown tokens",
  upper_share: "share of capitals",
  non_letter_share: "share of non-letters",
};
const SOURCES = ["audit", "user"];
const FIGURES = {
  accuracy: { title: "Accuracy", shown: percent, isShare: true },
  rmse: { title: "RMSE", shown: (value) => value.toFixed(2), isShare: false },
};
const STAGES = { tokenize: "Tokenize", wait: "Wait", compute: "Compute", request: "Whole request" };

export function Watch({ service, active }) {
  const [state, setState] = useState({});
  const load = async (quiet) => {
    try {
      const { value } = await askJson("ui/watch", undefined, { quiet });
      setState({ ...value, at: Date.now() });
    } catch (failure) {
      setState((old) => ({ ...old, error: failure.message }));
    }
  };
  useRepeated(load, WINDOWS_EVERY, active);
  const windows = state.windows && ofOneLength(state.windows);
  return html`
    <h1 class="title">Can the model still be trusted?</h1>
    ${state.error && html`<p class="error" role="alert">${state.error} ${state.at && `What is shown is from ${span(Date.now() - state.at)} ago.`}</p>`}
    ${state.at && (windows ? html`<${Verdicts} windows=${windows} others=${state.windows.length - windows.length} task=${service.task} />` : html`<${NoReports} task=${service.task} />`)}
    <${Live} active=${active} />
    ${state.at && html`<${Versions} ...${state} />`}
    ${windows?.length > 0 && html`<${Table} windows=${windows} />`}
  `;
}

/** Calls at once and then every `period` ms, while the view is shown and the page can be seen. */
function useRepeated(call, period, active) {
  useEffect(() => {
    if (!active) return undefined;
    const visible = () => document.visibilityState === "visible";
    const again = () => visible() && call(true);
    call(false);
    const timer = setInterval(again, period);
    document.addEventListener("visibilitychange", again);
    return () => (clearInterval(timer), document.removeEventListener("visibilitychange", again));
  }, [active]);
}

function NoReports({ task }) {
  return html`<div class="card notice"><p><b>The service does not know where the monitor's reports are.</b> Start it with the folder, and run the monitor by a schedule:</p>
    <pre tabindex="0"><code>bentoml serve service:svc --arg task=${task} --arg reports=reports${"\n"}python -m monitoring ${task} --window 1h --loop --out reports</code></pre>
    <p class="soft">Or set TOUCHSTONE_REPORTS. What the service itself counts is shown below.</p></div>`;
}

const length = ({ start, end }) => new Date(end) - new Date(start);

/** The windows of the length that most of the last ones have: those of the schedule. */
function ofOneLength(windows) {
  const of = new Map();
  for (const one of windows.slice(-20)) of.set(length(one), (of.get(length(one)) ?? 0) + 1);
  const [usual] = [...of.entries()].sort(([, one], [, other]) => other - one)[0] ?? [];
  return windows.filter((one) => length(one) === usual);
}

function Verdicts({ windows, others, task }) {
  if (!windows.length) {
    return html`<div class="card notice"><p><b>Nothing has been judged yet.</b> The monitor does so by <code>python -m monitoring ${task} --window 1h</code>.</p></div>`;
  }
  const newest = windows.at(-1);
  const kind = kindOf(newest.verdict);
  const drawn = windows.slice(-DRAWN);
  const labelled = windows.findLast(figureOf);
  const { title } = labelled ? figureOf(labelled) : FIGURES.accuracy;
  return html`
    <section class="card now ${kind}" aria-label="The last verdict">
      <p class="word">${newest.verdict}</p>
      <p class="lead">${MEANINGS[newest.verdict]}</p>
      <${Stale} newest=${newest} />
      <${Strip} windows=${drawn} />
      <p>${newest.summary}</p>
      <dl>
        ${fact("Window", `${moment(newest.start)} to ${moment(newest.end)} UTC, ${count(newest.rows)} rows`)}
        ${fact("Moved", moved(newest.drift.filter(({ drifted }) => drifted)) || "nothing beyond chance")}
        ${fact(title, labelled ? `${inWords(figureOf(labelled))}, window of ${moment(labelled.start)}` : "not known: no labels came back")}
        ${fact("Incident", incident(windows))}
      </dl>
    </section>
    <div class="plots">${plots(drawn)}</div>
    ${others > 0 && html`<p class="soft">${count(others)} windows of other lengths are not shown.</p>`}
  `;
}

const kindOf = (verdict) => (ALARMS.includes(verdict) ? "bad" : { OK: "ok", WATCH: "watch" }[verdict] ?? "");
const fact = (name, text) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`;
const columnName = (column) => (column.startsWith("probs[") ? `score of ${column.slice(6, -1)}` : (COLUMNS[column] ?? column));
const inWords = ({ value, low, high, labels, source, shown }) => `${shown(value)} (${shown(low)} to ${shown(high)}) by ${count(labels)} ${source} labels`;

function moved(drift) {
  const named = drift.slice(0, MOVED).map(({ column, distance }) => `${columnName(column)} ${distance.toFixed(2)}`);
  return named.join(", ") + (drift.length > MOVED ? ` and ${drift.length - MOVED} more` : "");
}

/** By the labels that the verdict went by, else by those of an audit, else by those of users; null: there are none. */
function figureOf({ performance: { decided_by: source, by_source: found } }) {
  const name = source ?? (found.audit ? "audit" : "user");
  const key = Object.keys(FIGURES).find((one) => found[name]?.[one] !== undefined);
  return key ? { ...found[name], ...FIGURES[key], source: name, value: found[name][key], usual: found[name][`reference_${key}`] } : null;
}

/** When the trouble began that no OK has ended: the monitor's own rule for an incident. */
function incident(windows) {
  let since = null;
  for (const { verdict, start } of windows) {
    if (verdict === "OK") since = null;
    else if (ALARMS.includes(verdict)) since ??= start;
  }
  return since ? html`<b class="bad">open</b> since ${moment(since)} UTC` : "none open";
}

/** Says so when the monitor has not judged what it should have by now. */
function Stale({ newest }) {
  const age = Date.now() - new Date(newest.judged);
  const late = Date.now() - new Date(newest.end) - 2 * length(newest);
  if (late < 0) return html`<p class="soft">Judged ${span(age)} ago.</p>`;
  return html`<p class="stale" role="alert"><b>The monitor is stale.</b> It judged this ${span(age)} ago, and windows of ${span(length(newest))} have closed since. Is it running?</p>`;
}

function Strip({ windows }) {
  const bad = windows.filter(({ verdict }) => ALARMS.includes(verdict)).length;
  return html`<div class="strip" role="img" aria-label="The last ${windows.length} verdicts, ${bad} of them alarms">
    ${windows.map(({ verdict, start }) => html`<i class=${kindOf(verdict)} title="${moment(start)} ${verdict}"></i>`)}
  </div>`;
}

function plots(windows) {
  const n = `${windows.length} windows`;
  const furthest = windows.map(({ drift }) => Math.max(0, ...drift.map(({ distance }) => distance)));
  const rows = windows.map((one) => one.rows);
  const names = [...new Set(windows.flatMap((one) => Object.keys(one.labels)))].sort().slice(0, 4);
  const shares = windows.map((one) => names.map((name) => one.labels[name] ?? 0));
  const latencies = ["p50", "p99"].map((name) => windows.map((one) => one.latency_ms?.[name] ?? null));
  const known = windows.map((one, i) => ({ i, ...figureOf(one), bad: figureOf(one)?.fell })).filter(({ value }) => value !== undefined);
  const { title, isShare, usual = null } = known.at(-1) ?? FIGURES.accuracy;
  const lowest = isShare && known.length ? Math.max(0, Math.floor(10 * Math.min(...known.map(({ low }) => low), 0.9)) / 10 - 0.1) : 0;
  const highest = isShare ? 1 : roundTop(known.map(({ high }) => high));
  const labels = windows.map(({ performance: { by_source: found } }) => SOURCES.map((source) => found[source]?.labels ?? 0));
  const short = (value) => (value >= 1000 ? `${+(value / 1000).toFixed(1)}k` : `${+value.toFixed(2)}`);
  const whole = (share) => `${Math.round(100 * share)} %`;
  const all = (format, values) => `${n}, the last one ${format(values.at(-1))}`;
  return html`
    <${Plot} title="Moved furthest" note="distance, 0 to 1" windows=${windows} top=${roundTop(furthest, 0.1)} format=${short} told=${all(short, furthest)}
      draw=${bars(furthest.map((one) => [one]), short, windows)} />
    <${Plot} title=${title} note=${known.length ? "with 95 % limits; dashed: when trained" : "no labels came back yet"} windows=${windows} bottom=${lowest} top=${highest}
      format=${isShare ? whole : short} told=${known.length ? inWords(known.at(-1)) : "no labels came back"} draw=${limitsPlot(known, usual)} />
    <${Plot} title="Answers" note="share by label" windows=${windows} top=${1} format=${whole} legend=${names}
      told=${names.map((name, k) => `${name} ${whole(shares.at(-1)[k])}`).join(", ")} draw=${bars(shares, whole, windows)} />
    <${Plot} title="Volume" note="rows a window" windows=${windows} top=${roundTop(rows, 10)} format=${short} told=${all(count, rows)}
      draw=${bars(rows.map((one) => [one]), count, windows)} />
    <${Plot} title="Labels" note="that came back, a window" windows=${windows} top=${roundTop(labels.map(([one, other]) => one + other), 10)} format=${short} legend=${SOURCES}
      told=${`${n}, in all ${count(labels.flat().reduce((one, other) => one + other, 0))}`} draw=${bars(labels, count, windows)} />
    <${Plot} title="Latency" note="ms" windows=${windows} top=${roundTop(latencies.flat().filter((one) => one !== null), 1)} format=${short} legend=${["p50", "p99"]}
      told=${`${n}, the last one p50 ${short(latencies[0].at(-1) ?? 0)} and p99 ${short(latencies[1].at(-1) ?? 0)} ms`} draw=${lines(latencies)} />
  `;
}

/** What the service counts itself, over the last minute. */
function Live({ active }) {
  const [scrapes, setScrapes] = useState([]);
  const [error, setError] = useState(null);
  const kept = useRef([]);
  const load = async (quiet) => {
    try {
      const { response } = await ask("metrics", undefined, { quiet });
      kept.current = [...kept.current, { at: Date.now(), samples: parse(await response.text()) }].slice(-KEPT);
      setScrapes(kept.current);
      setError(null);
    } catch (failure) {
      setError(failure.message);
    }
  };
  useRepeated(load, METRICS_EVERY, active);
  return html`<section aria-labelledby="live">
    <h2 id="live">At present</h2>
    ${error && html`<p class="error" role="alert">${error}</p>`}
    ${scrapes.length > 0 && html`<${Figures} first=${scrapes.length > 1 ? scrapes[0] : null} last=${scrapes.at(-1)} />`}
  </section>`;
}

function Figures({ first, last }) {
  const before = first?.samples ?? [];
  const grown = (name, labels) => sum(last.samples, name, labels) - sum(before, name, labels);
  const asked = grown("touchstone_requests_total", { route: "/predict" });
  const refused = grown("touchstone_refused_requests_total");
  const waiting = sum(last.samples, "touchstone_queue_items");
  const lately = first && `in the last ${Math.round((last.at - first.at) / 1000)} s`;
  const start = "since it was started";
  const timed = lately && asked > 0 ? before : []; // without requests there is nothing to time
  const figure = (value, name) => html`<div><dd>${value}</dd><dt>${name}</dt></div>`;
  return html`
    <dl class="figures">
      ${figure(count(asked), `requests ${lately ?? start}`)}
      ${figure(count(grown("touchstone_answers_total")), "inputs answered")}
      ${figure(count(waiting), "waiting now")}
      ${figure(count(refused), "not answered")}
    </dl>
    <div class="scroll" role="region" aria-label="Latency by stage" tabindex="0"><table class="narrow"><thead><tr><th>stage</th><th class="n">p50</th><th class="n">p99</th></tr></thead>
      <tbody>${Object.entries(STAGES).map(([stage, title]) => {
        const at = (q) => quantile(timed, last.samples, `touchstone_${stage}_seconds`, q);
        const cell = (value) => html`<td class="n">${value === null ? "–" : milliseconds(1000 * value)}</td>`;
        return html`<tr><td>${title}</td>${cell(at(0.5))}${cell(at(0.99))}</tr>`;
      })}</tbody></table></div>
    <p class="soft">Latencies ${timed === before && lately ? lately : start}, from the histograms of /metrics.</p>
  `;
}

function Versions({ model_tag: tag, promotions }) {
  return html`<section aria-labelledby="versions">
    <h2 id="versions">Version</h2>
    <p><span class="tag">${tag}</span> answers.</p>
    ${promotions.length === 0
      ? html`<p class="soft">None was promoted; the latest one is served, or the one asked for.</p>`
      : html`<ul class="plain">${[...promotions].reverse().slice(0, 10).map(
          ({ version, promoted, rolled_back }) => html`<li><span class="tag">${version}</span> <span class="soft">promoted ${moment(promoted)} UTC${rolled_back && `, rolled back ${moment(rolled_back)}`}</span></li>`,
        )}</ul>`}
  </section>`;
}

function Table({ windows }) {
  const [all, setAll] = useState(false);
  const [error, setError] = useState(null);
  const shown = [...windows].reverse().slice(0, all ? undefined : LISTED);
  return html`<section aria-labelledby="windows">
    <h2 id="windows">Windows</h2>
    ${error && html`<p class="error" role="alert">${error}</p>`}
    <div class="scroll" role="region" aria-label="Windows in a table" tabindex="0"><table>
      <thead><tr><th>start, UTC</th><th>verdict</th><th class="n">rows</th><th>moved furthest</th><th class="n">by labels</th><th>report</th></tr></thead>
      <tbody>${shown.map((one) => {
        const figure = figureOf(one);
        return html`<tr key=${one.name}>
          <td>${moment(one.start)}</td><td class=${kindOf(one.verdict)}>${one.verdict}</td><td class="n">${count(one.rows)}</td>
          <td>${moved(one.drift.slice(0, 1))}</td><td class="n">${figure?.shown(figure.value)}</td>
          <td>${one.has_report && html`<${ReportLink} name=${one.name} failed=${setError} />`}</td>
        </tr>`;
      })}</tbody>
    </table></div>
    ${!all && windows.length > LISTED && html`<p><button onClick=${() => setAll(true)}>Show all ${count(windows.length)}</button></p>`}
  </section>`;
}

/** Opens the report; a link cannot carry a key, so with one the file is fetched and saved. */
function ReportLink({ name, failed }) {
  const path = `ui/report?window=${name}`;
  const save = async (event) => {
    if (!hasKey()) return;
    event.preventDefault();
    try {
      const { response } = await ask(path);
      const url = URL.createObjectURL(await response.blob());
      Object.assign(document.createElement("a"), { href: url, download: `report-${name}.html` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    } catch (failure) {
      failed(failure.message);
    }
  };
  return html`<a href=${urlOf(path).href} target="_blank" rel="noopener" onClick=${save} aria-label="Report of ${name}">Evidently</a>`;
}
