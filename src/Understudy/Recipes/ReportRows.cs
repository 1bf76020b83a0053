using System.Globalization;
using Understudy.Data;
using Understudy.Reports;
using Understudy.Runs;
using Understudy.Synthesis;
using static Understudy.Reports.NumberText;

namespace Understudy.Recipes;

/// <summary>The synthetic rows of a run, counted and sampled in one pass over each file, so that they need not all be in memory.</summary>
/// <param name="Counts">Rows by mode and verdict.</param>
/// <param name="Samples">Some rows of each, drawn with the run's seed, their long texts cut.</param>
/// <param name="Missing">Which files cannot be read.</param>
internal sealed record ReportRows(
    IReadOnlyDictionary<(SynthesisMode Mode, Verdict Verdict), long> Counts,
    IReadOnlyDictionary<(SynthesisMode Mode, Verdict Verdict), IReadOnlyList<SyntheticRow>> Samples,
    IReadOnlyList<string> Missing)
{
    private const int SamplesOfEach = 20, TextLength = 400, LabelLength = 80;

    /// <summary>Reads <c>rows/annotated.jsonl</c> and <c>rows/generated.jsonl</c>, as far as they are there.</summary>
    public static ReportRows Read(RunRecords records)
    {
        var reservoirs = new SortedDictionary<(SynthesisMode Mode, Verdict Verdict), Reservoir>();
        var random = new SeededRandom(records.Manifest?.Seed ?? 0).Fork("report");
        List<string> missing = [];
        foreach (var mode in Enum.GetValues<SynthesisMode>())
        {
            var name = Path.Combine("rows", $"{Name(mode)}.jsonl");
            try
            {
                JsonRows.Visit<SyntheticRow>(Path.Combine(records.Folder, name), row =>
                {
                    if (!reservoirs.TryGetValue((mode, row.Verdict), out var reservoir))
                    {
                        reservoirs[(mode, row.Verdict)] = reservoir = new Reservoir(random.Fork($"{Name(mode)} {row.Verdict.Name()}"));
                    }

                    reservoir.Offer(row);
                });
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                missing.Add($"The rows are counted only up to a damaged line. {e.Message.Replace(records.Folder + Path.DirectorySeparatorChar, "", StringComparison.Ordinal)}");
            }
        }

        return new ReportRows(reservoirs.ToDictionary(pair => pair.Key, pair => pair.Value.Seen), reservoirs.ToDictionary(pair => pair.Key, pair => pair.Value.Drawn), missing);
    }

    /// <summary>How many rows each filter turned away, in the order of the filters.</summary>
    public static void WriteFunnel(HtmlWriter page, RunResult result, ReportRows rows)
    {
        if (rows.Counts.Count == 0)
        {
            page.Leaf("p", "There are no synthetic rows.", ("class", "soft"));
            return;
        }

        page.Leaf("p", "Every row that the teacher made, and the first filter that turned it away. Filters are asked in this order.", ("class", "soft"));
        foreach (var mode in Enum.GetValues<SynthesisMode>().Where(mode => rows.Counts.Keys.Any(key => key.Mode == mode)))
        {
            var all = rows.Counts.Where(pair => pair.Key.Mode == mode).Sum(pair => pair.Value);
            var kept = rows.Counts.GetValueOrDefault((mode, Verdict.Kept));
            page.Leaf("h3", $"{Title(mode)} rows: {Count(kept)} of {Count(all)} kept");
            if ((mode == SynthesisMode.Annotated ? result.Annotated : result.Generated) is { Accuracy: { } accuracy } synthesis)
            {
                page.Leaf("p", $"Of the rows whose true label is known, though hidden from the run, {Percent(accuracy)} have the right one{(synthesis.KeptAccuracy is { } right ? $"; of those kept {Percent(right)}" : "")}.");
            }

            Steps(page, mode, rows, all);
        }
    }

    /// <summary>Rows to read, some of each verdict.</summary>
    public static void WriteSamples(HtmlWriter page, ReportRows rows)
    {
        if (rows.Counts.Count == 0)
        {
            page.Leaf("p", "There are no synthetic rows.", ("class", "soft"));
            return;
        }

        page.Leaf("p", $"At most {SamplesOfEach} rows of each verdict, drawn with the run's seed. All rows lie in the run folder under rows/.", ("class", "soft"));
        foreach (var mode in rows.Samples.OrderBy(pair => pair.Key).GroupBy(pair => pair.Key.Mode))
        {
            page.Leaf("h3", $"{Title(mode.Key)} rows");
            foreach (var ((_, verdict), samples) in mode)
            {
                page.Line();
                using var details = page.Open("details");
                using (page.Open("summary"))
                {
                    page.Text(Words(verdict));
                    page.Leaf("small", $"{samples.Count} of {Count(rows.Counts[(mode.Key, verdict)])}");
                }

                Table(page, mode.Key, verdict, samples);
            }
        }
    }

    private static void Steps(HtmlWriter page, SynthesisMode mode, ReportRows rows, long all)
    {
        using var table = new HtmlTable(page, $"{Title(mode)} rows through the filters.", "funnel", "filter", "#turned away", "#share", "#left", "left (teal), turned away here (orange)");
        var left = all;
        Step("all rows", 0);
        foreach (var verdict in Enum.GetValues<Verdict>().Where(verdict => verdict != Verdict.Kept))
        {
            if (rows.Counts.GetValueOrDefault((mode, verdict)) is > 0 and var gone)
            {
                left -= gone;
                Step(Words(verdict), gone);
            }
        }

        void Step(string name, long gone)
        {
            using (table.Row())
            {
                table.Head(name);
                table.Number(gone == 0 ? "" : Count(gone));
                table.Number(gone == 0 ? "" : Percent(gone / (double)all));
                table.Number(Count(left));
                using (page.Open("td"))
                using (page.Open("svg", ("class", "bar"), ("aria-hidden", "true"), ("focusable", "false")))
                {
                    page.Empty("rect", ("class", "track"), ("width", "100%"), ("height", "12"), ("rx", "3"));
                    page.Empty("rect", ("class", "gone"), ("width", PlacePercent((left + gone) / (double)all)), ("height", "12"), ("rx", "3"));
                    page.Empty("rect", ("class", "left"), ("width", PlacePercent(left / (double)all)), ("height", "12"), ("rx", "3"));
                }
            }
        }
    }

    private static void Table(HtmlWriter page, SynthesisMode mode, Verdict verdict, IReadOnlyList<SyntheticRow> samples)
    {
        using var table = new HtmlTable(page, $"{Title(mode)} rows: {Words(verdict)}.", "rows", "text", "label", "#confidence", "reason");
        foreach (var row in samples)
        {
            using (table.Row())
            {
                using (page.Open("td"))
                {
                    page.Foreign(row.Text, TextLength);
                    if (row.TextPair is { } pair)
                    {
                        page.Empty("br");
                        page.Foreign(pair, TextLength);
                    }
                }

                using (page.Open("td"))
                {
                    page.Foreign(row.Label ?? "–", LabelLength);
                    if (row.AskedLabel is { } asked && asked != row.Label)
                    {
                        page.Empty("br");
                        page.Leaf("small", "asked for: ");
                        page.Foreign(asked, LabelLength);
                    }
                }

                table.Number(Percent(row.Label is { } label && row.Scores?.TryGetValue(label, out var score) == true ? score : null));
                table.Foreign(row.Reason, TextLength);
            }
        }
    }

    private static string Name(SynthesisMode mode) => mode.ToString().ToLower(CultureInfo.InvariantCulture);

    private static string Title(SynthesisMode mode) => mode.ToString();

    private static string Words(Verdict verdict) => verdict.Name().Replace('_', ' ');

    /// <summary>Draws rows from a stream of unknown length, each equally likely (algorithm R, Vitter, 1985).</summary>
    private sealed class Reservoir(SeededRandom random)
    {
        private readonly List<(long At, SyntheticRow Row)> drawn = [];

        public long Seen { get; private set; }

        /// <summary>The rows in the order of the stream.</summary>
        public IReadOnlyList<SyntheticRow> Drawn => [.. drawn.OrderBy(one => one.At).Select(one => one.Row)];

        public void Offer(SyntheticRow row)
        {
            if (drawn.Count < SamplesOfEach)
            {
                drawn.Add((Seen, row));
            }
            else if (random.NextLong(Seen + 1) is < SamplesOfEach and var place)
            {
                drawn[(int)place] = (Seen, row);
            }

            Seen++;
        }
    }
}
