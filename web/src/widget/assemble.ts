/**
 * The page as one document for a frame without an address: its files become blobs, its modules find each other by an import
 * map. The files are those that the program serves; nothing of them is built a second time.
 */

/** Gives content an address. */
export type Publish = (content: string | Uint8Array<ArrayBuffer>, mediaType: string) => string;

const TYPES: Record<string, string> = { svg: "image/svg+xml", woff2: "font/woff2", js: "text/javascript" };

const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
const typeOf = (name: string) => TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";

/** The document of the files of the page, by their paths. */
export function assemble(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>, publish: Publish): string {
  const text = (content: Uint8Array) => new TextDecoder().decode(content);
  const named = [...files].map(([path, content]) => ({ name: nameOf(path), content }));
  const index = named.find(({ name }) => name === "index.html");
  if (!index) throw new Error("karin was built without its page");
  const page = text(index.content);
  const entry = /<script[^>]*\ssrc="[^"]*?([^"/]+\.js)"/.exec(page)?.[1];
  if (!entry) throw new Error("the page names no script");
  const scripts = named.filter(({ name }) => name.endsWith(".js")).map(({ name, content }) => [name, text(content)]);
  const isFetched = (name: string) => scripts.some(([, code]) => addressOf(name).test(code!));
  const modules = new Map(scripts.filter(([name]) => !isFetched(name!)) as [string, string][]);
  const addresses = new Map<string, string>();
  for (const { name, content } of named) {
    if (!modules.has(name) && !/\.(css|html)$/.test(name)) addresses.set(name, publish(content, typeOf(name)));
  }
  const imports: Record<string, string> = {};
  for (const [name, code] of modules) {
    imports[`karin/${name}`] = publish(rewritten(code, [...modules.keys()], addresses), "text/javascript");
  }
  let styles = named
    .filter(({ name }) => name.endsWith(".css"))
    .map(({ content }) => text(content))
    .join("\n");
  for (const [name, address] of addresses) styles = styles.replaceAll(`./${name}`, address);
  const head = [
    `<script type="importmap">${JSON.stringify({ imports })}</script>`,
    `<style>${styles.replaceAll("</style", "<\\/style")}</style>`,
    `<script type="module">import "karin/${entry}";</script>`,
  ].join("\n");
  return page
    .replace(/<script\b[^>]*\ssrc=[^>]*><\/script>/g, "")
    .replace(/<link\b[^>]*>/g, "")
    .replace("<html", '<html data-host="widget"')
    .replace("</head>", () => `${head}\n</head>`);
}

/** `new URL("NAME", import.meta.url).href`, as the bundler writes the address of a file. */
function addressOf(name: string): RegExp {
  const literal = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`new URL\\(([\`"'])(?:\\./)?${literal}\\1,\\s*import\\.meta\\.url\\)\\.href`, "g");
}

/** A module whose files and fellow modules have the addresses that they have here. */
function rewritten(code: string, modules: readonly string[], addresses: ReadonlyMap<string, string>): string {
  let out = code;
  for (const [name, address] of addresses) out = out.replace(addressOf(name), () => JSON.stringify(address));
  for (const name of modules) out = out.replaceAll(`./${name}`, `karin/${name}`);
  // Styles are in the document already: nothing is to be loaded before a module.
  return out.replace(/__vite__mapDeps\(\[[\d,]*\]\)/g, "[]").replaceAll("import.meta.url", '"https://karin.invalid/"');
}
