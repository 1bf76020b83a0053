using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

public sealed class ReportBrowserTests
{
    private const string OpenDetails = "for (const one of document.querySelectorAll('details')) one.open = true";

    private const string Overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

    // Every text against what lies behind it, half-transparent layers laid over each other (WCAG 2.2, relative luminance).
    private const string PoorContrasts = """
        (() => {
          const parse = c => { const n = c.match(/[\d.]+/g).map(Number); return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1]; };
          const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
          const behind = e => e ? over(parse(getComputedStyle(e).backgroundColor), behind(e.parentElement)) : [255, 255, 255, 1];
          const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const poor = new Set();
          for (const e of document.body.querySelectorAll('*')) {
            if (e instanceof SVGElement && e.localName !== 'text') continue;
            if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
            const style = getComputedStyle(e), back = behind(e);
            const a = light(over(parse(e instanceof SVGElement ? style.fill : style.color), back)), b = light(back);
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < 4.5) poor.add(`${e.localName}.${e.getAttribute('class')} in ${e.parentElement.localName}.${e.parentElement.className}: ${ratio.toFixed(2)}`);
          }
          return [...poor].join('\n');
        })()
        """;

    [ChromiumFact]
    public async Task A_browser_shows_hostile_texts_as_text_on_any_screen()
    {
        using var folder = new TemporaryFolder();
        ReportSample.Write(folder["hostile"], 45, texts: ReportSample.Hostile);
        ReportSample.Write(folder["plain"], 20);
        using var browser = await HeadlessBrowser.Start(folder["profile"]);
        foreach (var run in new[] { "hostile", "plain" })
        {
            var path = Report.Write(folder[run]);
            foreach (var (scheme, width) in new[] { ("light", 1200), ("dark", 1200), ("light", 360), ("dark", 360) })
            {
                await browser.Call("Emulation.setEmulatedMedia", new() { ["features"] = new System.Text.Json.Nodes.JsonArray(new System.Text.Json.Nodes.JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }) });
                await browser.Call("Emulation.setDeviceMetricsOverride", new() { ["width"] = width, ["height"] = 800, ["deviceScaleFactor"] = 1, ["mobile"] = width < 500 });
                await browser.Open(path);
                await browser.Evaluate(OpenDetails);
                Assert.Equal(width, (await browser.Evaluate("document.documentElement.clientWidth")).GetInt32());
                Assert.True((await browser.Evaluate(Overflow)).GetInt32() <= 0, $"{run}: the page is wider than {width} pixels.");
                Assert.Equal(scheme == "dark" ? "rgb(18, 22, 26)" : "rgb(246, 247, 248)", (await browser.Evaluate("getComputedStyle(document.body).backgroundColor")).GetString());
                Assert.Equal("", (await browser.Evaluate(PoorContrasts)).GetString());
                Assert.Equal(0, (await browser.Evaluate("document.scripts.length + document.images.length + document.querySelectorAll('iframe, object, embed, link, form, base').length")).GetInt32());
                string[] loud = ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Page.javascriptDialogOpening"];
                Assert.DoesNotContain(browser.Events, one => loud.Contains(one.GetProperty("method").GetString()));
                Assert.Single(browser.Events, one => one.GetProperty("method").GetString() == "Network.requestWillBeSent");
            }
        }

        var hostile = await Text(browser, Path.Combine(folder["hostile"], "report.html"));
        Assert.Contains("<script>alert(1)</script>", hostile, StringComparison.Ordinal);
        Assert.Contains("\"><img src=x onerror=alert(1)>", hostile, StringComparison.Ordinal);
        Assert.Contains("abc[U+202E]gnp.exe[U+2066]", hostile, StringComparison.Ordinal);
        Assert.Contains("</style><style>*{display:none}</style>", hostile, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt; &amp; &#x3c;", hostile, StringComparison.Ordinal);
    }

    private static async Task<string> Text(HeadlessBrowser browser, string path)
    {
        await browser.Open(path);
        await browser.Evaluate(OpenDetails);
        return (await browser.Evaluate("document.body.innerText")).GetString()!;
    }
}
