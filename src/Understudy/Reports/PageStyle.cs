namespace Understudy.Reports;

/// <summary>How a page looks: one column, the system's own letters, light or dark as the reader's device is set.</summary>
internal static class PageStyle
{
    /// <summary>The style sheet. Colours 0 to 5 have each their own dashes, so that curves differ without colours, too.</summary>
    public const string Css = """

        :root { color-scheme: light dark; --page: #f6f7f8; --card: #ffffff; --ink: #1b2127; --soft: #566069; --rule: #e0e4e8; --accent: #0b6e6e;
          --good: 11 110 110; --bad: 178 80 20; --onheat: #ffffff; --mark: #fff3d6;
          --c0: #5b6570; --c1: #1768ac; --c2: #b4540a; --c3: #0b7a62; --c4: #7a3e9d; --c5: #9c2b4b; }
        @media (prefers-color-scheme: dark) {
          :root { --page: #12161a; --card: #1a2026; --ink: #e6eaed; --soft: #a3adb6; --rule: #2d353d; --accent: #6fd0c8;
            --good: 94 200 190; --bad: 244 160 96; --onheat: #0e1317; --mark: #3a3116;
            --c0: #a9b3bd; --c1: #6db3f2; --c2: #f2a25c; --c3: #57d0b0; --c4: #c79be6; --c5: #ef8aa6; }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; overflow-wrap: anywhere; }
        header, main, footer { max-width: 66rem; margin: 0 auto; padding: 0 1.25rem; }
        header { padding-top: 2.5rem; }
        h1 { margin: 0; font-size: 1rem; font-weight: 600; color: var(--accent); letter-spacing: .01em; }
        h2 { margin: 0 0 .25rem; font-size: 1.3rem; line-height: 1.3; }
        h3 { margin: 1.75rem 0 .25rem; font-size: 1.05rem; line-height: 1.35; }
        p { margin: .35rem 0 .9rem; max-width: 46rem; }
        .headline { margin: .5rem 0 .75rem; max-width: 50rem; font-size: clamp(1.3rem, 1rem + 1.5vw, 1.85rem); line-height: 1.35; font-weight: 600; text-wrap: pretty; }
        .soft, caption, figcaption, small { color: var(--soft); }
        section { margin: 1.5rem 0; padding: 1.4rem 1.4rem 1.2rem; background: var(--card); border: 1px solid var(--rule); border-radius: 12px; }
        nav ul { display: flex; flex-wrap: wrap; gap: .35rem 1.1rem; margin: 1rem 0 0; padding: 0; list-style: none; font-size: .92rem; }
        a { color: var(--accent); text-underline-offset: .18em; }
        footer { padding-bottom: 3rem; color: var(--soft); font-size: .88rem; }
        .notice { padding: .8rem 1rem; border-left: 4px solid rgb(var(--bad)); background: var(--card); border-radius: 6px; }
        .notice ul { margin: .3rem 0 0; padding-left: 1.2rem; }
        .scroll { overflow-x: auto; max-width: 100%; margin: .75rem 0; overscroll-behavior-x: contain; }
        .scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        table { border-collapse: collapse; font-size: .92rem; min-width: 100%; font-variant-numeric: tabular-nums; }
        caption { text-align: left; padding: 0 0 .45rem; font-size: .88rem; }
        caption span { position: sticky; left: 0; display: inline-block; max-width: min(46rem, calc(100vw - 3.6rem)); }
        .funnel tbody th, .arms td { white-space: nowrap; } .arms td:last-child { white-space: normal; min-width: 8.5rem; }
        th, td { padding: .42rem .9rem .42rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); overflow-wrap: normal; }
        th { font-weight: 600; } thead th { color: var(--soft); font-size: .84rem; white-space: nowrap; vertical-align: bottom; }
        .n { text-align: right; white-space: nowrap; }
        tr.best th, tr.best td { background: rgb(var(--good) / .1); }
        tr.best th:first-child { box-shadow: inset 3px 0 0 var(--accent); padding-left: .6rem; }
        tbody tr:last-child th, tbody tr:last-child td { border-bottom: 0; }
        .labels tbody th, .pairs tbody th, .pairs td:nth-child(2) { min-width: 8.5rem; max-width: 18rem; overflow-wrap: anywhere; font-weight: 500; }
        .tall { max-height: 34rem; overflow: auto; }
        .rows { min-width: 44rem; } .rows td:first-child { width: 46%; min-width: 18rem; overflow-wrap: anywhere; overflow: hidden; }
        .rows td { overflow-wrap: anywhere; } .rows td:last-child { min-width: 14rem; color: var(--soft); }
        .keys th { width: 1%; padding-right: 2rem; font-weight: 500; color: var(--soft); white-space: nowrap; } .keys td { overflow-wrap: anywhere; min-width: 12rem; }
        .bar { display: block; width: 100%; min-width: 8rem; height: 12px; margin-top: .4rem; }
        figure { margin: .75rem 0 0; } figcaption { font-size: .88rem; margin-bottom: .35rem; } figcaption strong { color: var(--ink); font-size: .95rem; }
        .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18.5rem), 1fr)); gap: 1rem 1.75rem; }
        svg { overflow: visible; } .lines { display: block; width: 100%; max-width: 30rem; height: auto; } .intervals { display: block; max-width: 46rem; }
        svg text { fill: var(--soft); font-size: 12px; } .lines text { font-size: 13.5px; } svg .name { fill: var(--ink); font-size: 14px; } svg .value { fill: var(--ink); font-size: 14px; font-weight: 600; }
        .grid { stroke: var(--rule); } .reference { stroke: var(--c4); stroke-dasharray: 4 4; stroke-width: 1.5; }
        .whisker { stroke-width: 3; stroke-linecap: round; opacity: .55; } .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
        .s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); } .s3 { stroke: var(--c3); } .s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); }
        .curve.s0 { stroke-dasharray: 2 3; } .curve.s1 { stroke-dasharray: 9 3; } .curve.s2 { stroke-dasharray: 6 3 1.5 3; }
        .f0 { fill: var(--c0); } .f1 { fill: var(--c1); } .f2 { fill: var(--c2); } .f3 { fill: var(--c3); } .f4 { fill: var(--c4); } .f5 { fill: var(--c5); }
        .left { fill: rgb(var(--good) / .75); } .gone { fill: rgb(var(--bad) / .8); } .track { fill: var(--rule); }
        .legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: .6rem 0 0; padding: 0; list-style: none; font-size: .9rem; }
        .legend svg { width: 30px; height: 10px; margin-right: .45rem; vertical-align: middle; }
        details { margin: .5rem 0; border-top: 1px solid var(--rule); padding-top: .5rem; }
        summary { cursor: pointer; padding: .2rem 0; font-weight: 600; } summary small { font-weight: 400; margin-left: .4rem; font-size: .88rem; }
        pre { overflow-x: auto; margin: .5rem 0; padding: .9rem 1rem; background: var(--page); border: 1px solid var(--rule); border-radius: 8px; font: .82rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; white-space: pre; overflow-wrap: normal; }
        code { font: .88em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
        .heat { min-width: 0; border-collapse: separate; border-spacing: 1px; font-size: .78rem; }
        .heat th, .heat td { padding: 0 .3rem; border: 0; white-space: nowrap; }
        .heat td { min-width: 1.9rem; height: 1.7rem; text-align: center; vertical-align: middle; background: rgb(var(--bad) / .04); }
        .heat tbody th { position: sticky; left: 0; z-index: 1; background: var(--card); font-weight: 500; text-align: right; vertical-align: middle; max-width: 12rem; overflow: hidden; text-overflow: ellipsis; }
        .heat thead th { position: sticky; top: 0; z-index: 2; background: var(--card); height: 7.5rem; font-weight: 500; }
        .heat thead th:first-child { left: 0; z-index: 3; white-space: normal; text-align: right; font-weight: 400; }
        .heat .up { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 11rem; overflow: hidden; text-overflow: ellipsis; display: inline-block; }
        td.g1 { background: rgb(var(--good) / .12); } td.g2 { background: rgb(var(--good) / .3); } td.g3 { background: rgb(var(--good) / .45); }
        td.g4 { background: rgb(var(--good) / .95); color: var(--onheat); } td.g5 { background: rgb(var(--good)); color: var(--onheat); }
        td.b1 { background: rgb(var(--bad) / .14); } td.b2 { background: rgb(var(--bad) / .3); } td.b3 { background: rgb(var(--bad) / .45); }
        td.b4 { background: rgb(var(--bad) / .95); color: var(--onheat); } td.b5 { background: rgb(var(--bad)); color: var(--onheat); }
        @media (max-width: 40rem) { header, main, footer { padding-left: .75rem; padding-right: .75rem; } header { padding-top: 1.5rem; } section { padding: 1rem .9rem; margin: 1rem 0; border-radius: 10px; } .heat tbody th { max-width: 7rem; } .keys th { padding-right: 1rem; } }
        @media print { body { background: none; } section { break-inside: avoid-page; border: 0; padding: 0; } .tall { max-height: none; } }

        """;
}
