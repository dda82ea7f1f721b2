// src/widget/assemble.ts
var e = {
	svg: "image/svg+xml",
	woff2: "font/woff2",
	js: "text/javascript"
}, t = (e) => e.slice(e.lastIndexOf("/") + 1), n = (t) => e[t.slice(t.lastIndexOf(".") + 1)] ?? "application/octet-stream";
function r(e, r) {
	let o = (e) => new TextDecoder().decode(e), s = [...e].map(([e, n]) => ({
		name: t(e),
		content: n
	})), c = s.find(({ name: e }) => e === "index.html");
	if (!c) throw Error("karin was built without its page");
	let l = o(c.content), u = /<script[^>]*\ssrc="[^"]*?([^"/]+\.js)"/.exec(l)?.[1];
	if (!u) throw Error("the page names no script");
	let d = s.filter(({ name: e }) => e.endsWith(".js")).map(({ name: e, content: t }) => [e, o(t)]), f = (e) => d.some(([, t]) => i(e).test(t)), p = new Map(d.filter(([e]) => !f(e))), m = /* @__PURE__ */ new Map();
	for (let { name: e, content: t } of s) !p.has(e) && !/\.(css|html)$/.test(e) && m.set(e, r(t, n(e)));
	let h = {};
	for (let [e, t] of p) h[`karin/${e}`] = r(a(t, [...p.keys()], m), "text/javascript");
	let g = s.filter(({ name: e }) => e.endsWith(".css")).map(({ content: e }) => o(e)).join("\n");
	for (let [e, t] of m) g = g.replaceAll(`./${e}`, t);
	let _ = [
		`<script type="importmap">${JSON.stringify({ imports: h })}<\/script>`,
		`<style>${g.replaceAll("</style", "<\\/style")}</style>`,
		`<script type="module">import "karin/${u}";<\/script>`
	].join("\n");
	return l.replace(/<script\b[^>]*\ssrc=[^>]*><\/script>/g, "").replace(/<link\b[^>]*>/g, "").replace("<html", "<html data-host=\"widget\"").replace("</head>", () => `${_}\n</head>`);
}
function i(e) {
	let t = e.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
	return RegExp(`new URL\\(([\`"'])(?:\\./)?${t}\\1,\\s*import\\.meta\\.url\\)\\.href`, "g");
}
function a(e, t, n) {
	let r = e;
	for (let [e, t] of n) r = r.replace(i(e), () => JSON.stringify(t));
	for (let e of t) r = r.replaceAll(`./${e}`, `karin/${e}`);
	return r.replace(/__vite__mapDeps\(\[[\d,]*\]\)/g, "[]").replaceAll("import.meta.url", "\"https://karin.invalid/\"");
}
// src/widget/main.ts
var o = ({ buffer: e, byteOffset: t, byteLength: n }) => new Uint8Array(e, t, n).slice();
async function s(e) {
	let t = new Blob([o(e)]).stream().pipeThrough(new DecompressionStream("gzip"));
	return new Uint8Array(await new Response(t).arrayBuffer());
}
function c() {
	let e = document.body.dataset.jpThemeLight;
	return e === void 0 ? document.body.dataset.vscodeThemeKind ? document.body.dataset.vscodeThemeKind.includes("light") : window.matchMedia("(prefers-color-scheme: light)").matches : e === "true";
}
function l(e) {
	let { view: t } = e.get("_shown"), { serial: n = 0, view: r, bounds: i } = e.get("_wanted");
	return {
		serial: n,
		view: {
			theme: c() ? "light" : "dark",
			...t,
			...r
		},
		...i ? { bounds: i } : {}
	};
}
var u = 0;
function d({ model: e, el: t }) {
	let n = `${++u}:`, i = document.createElement("iframe"), a = [], c = /* @__PURE__ */ new Set(), d;
	i.title = "karin", i.allow = "clipboard-write; fullscreen";
	let f = () => {
		i.style.cssText = `display: block; width: 100%; height: ${e.get("height")}px; border: 0`;
	};
	f();
	let p = (e, t) => (a.push(URL.createObjectURL(new Blob([e], { type: t }))), a.at(-1)), m = async (e, t) => {
		if (i.srcdoc) return;
		let n = await Promise.all(t.map(s));
		i.srcdoc = r(new Map(e.map((e, t) => [e, n[t]])), p);
	}, h = (e, t) => {
		if ("page" in e) m(e.page, t);
		else if (c.delete(e.answer)) {
			let r = o(t[0]).buffer, i = {
				answer: Number(e.answer.slice(n.length)),
				status: e.status,
				body: r
			};
			d?.postMessage(i, [r]);
		}
	}, g = ({ data: t }) => {
		"shown" in t ? (e.set("_shown", t.shown), e.save_changes()) : "cancel" in t ? (c.delete(`${n}${t.cancel}`), e.send({ cancel: `${n}${t.cancel}` })) : (c.add(`${n}${t.ask}`), e.send({
			ask: `${n}${t.ask}`,
			target: t.target
		}));
	}, _ = ({ source: t, data: n }) => {
		if (t !== i.contentWindow || n !== "karin: ready") return;
		let r = new MessageChannel();
		d = r.port1, d.onmessage = g, i.contentWindow.postMessage(l(e), "*", [r.port2]);
	}, v = () => d?.postMessage({ wanted: e.get("_wanted") });
	return window.addEventListener("message", _), e.on("msg:custom", h), e.on("change:_wanted", v), e.on("change:height", f), t.append(i), e.send({ page: !0 }), () => {
		for (let t of c) e.send({ cancel: t });
		window.removeEventListener("message", _), e.off("msg:custom", h), e.off("change:_wanted", v), e.off("change:height", f), d?.close(), i.remove();
		for (let e of a) URL.revokeObjectURL(e);
	};
}
var f = { render: d };
export { f as default };
