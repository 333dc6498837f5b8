// A Chromium without a window, controlled over a pipe with the Chrome DevTools Protocol. The check needs few commands
// of it, so it does not install a library with 80 packages.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ARGUMENTS = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
];

export class Browser {
    #profile = mkdtempSync(join(tmpdir(), "chromium-"));
    #process;
    #pending = new Map();
    #listeners = [];
    #lastId = 0;
    #buffer = "";

    constructor(program) {
        const args = [...ARGUMENTS, `--user-data-dir=${this.#profile}`, "about:blank"];
        this.#process = spawn(program, args, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
        const failed = (reason) => this.#pending.forEach(({ reject }) => reject(new Error(reason)));
        this.#process.on("error", (error) => failed(`${program}: ${error.message}`));
        this.#process.on("exit", (code) => failed(`${program} exited with ${code}`));
        this.#process.stdio[3].on("error", () => {});
        this.#process.stdio[4].setEncoding("utf8").on("data", (text) => this.#read(text));
    }

    // Messages end with a NUL character.
    #read(text) {
        const messages = (this.#buffer + text).split("\0");
        this.#buffer = messages.pop();
        for (const message of messages.map((it) => JSON.parse(it))) {
            const pending = this.#pending.get(message.id);
            this.#pending.delete(message.id);
            if (message.error) {
                pending?.reject(new Error(message.error.message));
            } else {
                pending?.resolve(message.result);
            }
            this.#listeners.filter((it) => it.sessionId === message.sessionId && it.method === message.method)
                .forEach((it) => it.listener(message.params));
        }
    }

    send(method, params = {}, sessionId = undefined) {
        const id = (this.#lastId += 1);
        this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
        return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    }

    on(sessionId, method, listener) {
        this.#listeners.push({ sessionId, method, listener });
    }

    // Returns an empty page with this width and color scheme.
    async page(width, scheme) {
        const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
        const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
        const page = new Page(this, targetId, sessionId);
        for (const domain of ["Page", "Network", "Runtime", "Log"]) {
            await page.send(`${domain}.enable`);
        }
        const metrics = { width, height: 900, deviceScaleFactor: 1, mobile: false };
        await page.send("Emulation.setDeviceMetricsOverride", metrics);
        const features = [{ name: "prefers-color-scheme", value: scheme }];
        await page.send("Emulation.setEmulatedMedia", { features });
        return page;
    }

    async close() {
        const exited = new Promise((resolve) => this.#process.on("exit", resolve));
        await this.send("Browser.close");
        await exited;
        rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
    }
}

class Page {
    constructor(browser, targetId, sessionId) {
        Object.assign(this, { browser, targetId, sessionId });
    }

    send(method, params) {
        return this.browser.send(method, params, this.sessionId);
    }

    on(method, listener) {
        this.browser.on(this.sessionId, method, listener);
    }

    async open(url) {
        const loaded = new Promise((resolve) => this.on("Page.loadEventFired", resolve));
        await this.send("Page.navigate", { url });
        await loaded;
    }

    // Returns the value of an expression, or of its promise.
    async value(expression) {
        const params = { expression, awaitPromise: true, returnByValue: true };
        const { result, exceptionDetails } = await this.send("Runtime.evaluate", params);
        if (exceptionDetails) {
            throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        }
        return result.value;
    }

    // Returns a PNG of the whole page.
    async screenshot() {
        const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true, format: "png" });
        return Buffer.from(data, "base64");
    }

    close() {
        return this.browser.send("Target.closeTarget", { targetId: this.targetId });
    }
}
