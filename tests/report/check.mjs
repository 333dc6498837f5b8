// Usage: node check.mjs AXE PAGE…
//
// Opens each page in Chromium at two widths, in the light and the dark color scheme. Fails if axe finds a violation
// of WCAG 2.2 AA or of its best practices, if the page sends a request, if it scrolls sideways, or if a picture
// is not visible. AXE is the file axe.min.js. With SCREENSHOTS, writes screenshots to this directory.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Browser } from "./browser.mjs";

const [axe, ...files] = process.argv.slice(2);
const source = readFileSync(axe, "utf8");
const WIDTHS = [1280, 400];
const SCHEMES = ["light", "dark"];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const problems = [];
const browser = new Browser(process.env.CHROMIUM ?? "chromium");
for (const file of files) {
    for (const width of WIDTHS) {
        for (const scheme of SCHEMES) {
            await check(file, width, scheme);
        }
    }
}
await browser.close();
problems.forEach((problem) => console.error(problem));
console.log(
    `${files.length} pages at ${WIDTHS.join(" and ")} pixels, ${SCHEMES.join(" and ")}: ${problems.length} problems`,
);
process.exitCode = files.length > 0 && problems.length === 0 ? 0 : 1;

async function check(file, width, scheme) {
    const report = (text) => problems.push(`${basename(file)} at ${width} pixels, ${scheme}: ${text}`);
    const url = pathToFileURL(resolve(file)).href;
    const page = await browser.page(width, scheme);
    page.on("Network.requestWillBeSent", ({ request }) => {
        if (request.url !== url && request.url !== "data:,") {
            report(`request to ${request.url}`);
        }
    });
    page.on("Log.entryAdded", ({ entry }) => report(`log: ${entry.text}`));
    await page.open(url);
    const [whole, figures, visible] = await page.value(`[
        document.documentElement.scrollWidth,
        document.querySelectorAll("figure").length,
        [...document.querySelectorAll("figure svg")].filter((it) => it.getBoundingClientRect().width >= 300).length,
    ]`);
    if (whole > width) {
        report(`the page is ${whole} pixels wide`);
    }
    // Each figure contains a picture for each width, of which one is hidden.
    if (figures === 0 || visible !== figures) {
        report(`${visible} pictures in ${figures} figures are visible`);
    }
    await page.value(`${source}; undefined`);
    const { violations, passes } = await page.value(`axe.run({ runOnly: ${JSON.stringify(TAGS)} })`);
    for (const { id, help, nodes } of violations) {
        nodes.forEach((node) => report(`${id}: ${help}: ${node.target.join(" ")}`));
    }
    if (passes.length < 20) {
        report(`axe applied only ${passes.length} rules`);
    }
    if (process.env.SCREENSHOTS) {
        const name = `${basename(file, ".html")}-${width}-${scheme}.png`;
        writeFileSync(join(process.env.SCREENSHOTS, name), await page.screenshot());
    }
    await page.close();
}
