// A page in Chromium, driven by lines of JSON on standard input: {"do": name, …} is answered by {"ok": …} or {"error": …}.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [playwright, executablePath, ...args] = process.argv.slice(2);
const { chromium } = createRequire(`${playwright}/`)('playwright-core');
const browser = await chromium.launch({ executablePath, args });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });

let traffic = [];
let complaints = [];
page.on('console', message => {
  if (message.type() === 'error') complaints.push(message.text());
});
page.on('pageerror', error => complaints.push(String(error)));
page.on('requestfailed', request => note(request, 0, request.failure()?.errorText ?? 'failed'));
page.on('response', response => note(response.request(), response.status(), ''));

function note(request, status, failure) {
  const url = request.url();
  if (!url.startsWith('data:') && !url.startsWith('blob:')) traffic.push({ method: request.method(), url, status, failure });
}

// What playwright has for this runs in the page, where a Content-Security-Policy forbids it.
async function wait({ script, timeout_s }) {
  const deadline = Date.now() + timeout_s * 1000;
  while (!(await page.evaluate(script))) {
    if (Date.now() > deadline) throw new Error('it did not come true in time');
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}

const acts = {
  goto: ({ url }) => page.goto(url, { waitUntil: 'domcontentloaded', timeout: 120_000 }).then(() => null),
  evaluate: ({ script }) => page.evaluate(script),
  wait,
  click: ({ selector }) => page.locator(selector).first().click({ timeout: 60_000 }),
  double_click: ({ selector }) => page.locator(selector).first().dblclick({ timeout: 60_000 }),
  fill: ({ selector, text }) => page.locator(selector).first().fill(text, { timeout: 60_000 }),
  press: ({ key }) => page.keyboard.press(key),
  move: ({ x, y }) => page.mouse.move(x, y, { steps: 8 }),
  down: () => page.mouse.down(),
  up: () => page.mouse.up(),
  wheel: ({ by }) => page.mouse.wheel(0, by),
  screenshot: ({ path }) => page.screenshot({ path }).then(() => null),
  traffic: () => {
    const seen = { requests: traffic, complaints };
    [traffic, complaints] = [[], []];
    return seen;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer;
  try {
    answer = { ok: (await acts[order.do](order)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
