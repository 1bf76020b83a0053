using System.Globalization;
using Understudy.Reports;
using static Understudy.Reports.NumberText;

namespace Understudy.Recipes;

/// <summary>The report's part about a pre-training: loss, bits per byte beside baselines, speed, what the model wrote on the way.</summary>
internal static class ReportPretraining
{
    private const int MostPoints = 160, MostSampledSteps = 12, TextLength = 600;
    private const int LossColour = ArmSummary.TeacherColour, HeldOutColour = 3;

    /// <summary>One sentence for a run that is nothing but a pre-training.</summary>
    public static void Headline(HtmlWriter page, PretrainingRecords records)
    {
        using var line = page.Open("p", ("class", "headline"));
        page.Text(records.Run.Result is { } result
            ? $"{Short(result.BitsPerByte)} bits per byte of held-out text{Objective(records)} after {Count(result.Tokens)} tokens in {Duration(result.Seconds)}"
              + (records.Baselines is { } baselines ? $"; a model of the {baselines.Order} bytes before takes {Short(baselines.ByteModel)}." : ".")
            : records.BitsPerByte.Count > 0 ? $"{Short(records.BitsPerByte[^1].Y)} bits per byte of held-out text{Objective(records)} after {Count((long)records.BitsPerByte[^1].X)} steps; the pre-training has not come to its end."
            : records.Loss.Count > 0 ? $"Loss {Short(records.Loss[^1].Y)} after {Count(records.Steps)} steps; nothing has been measured on held-out text yet."
            : "The pre-training has not logged anything yet.");
    }

    /// <summary>The section.</summary>
    public static void Write(HtmlWriter page, PretrainingRecords records)
    {
        Figures(page, records);
        Curves(page, records);
        page.Leaf("h3", "Beside simpler means");
        Baselines(page, records);
        page.Leaf("h3", "What the model wrote");
        Samples(page, records);
    }

    /// <summary>The colours of the curves.</summary>
    internal static void Legend(HtmlWriter page, IEnumerable<(string Name, int Colour)> curves)
    {
        using var list = page.Open("ul", ("class", "legend"), ("aria-label", "Colours of the curves"));
        foreach (var (name, colour) in curves)
        {
            using (page.Open("li"))
            {
                using (page.Open("svg", ("viewBox", "0 0 30 10"), ("aria-hidden", "true")))
                {
                    page.Empty("line", ("class", $"curve s{colour}"), ("x1", "1"), ("x2", "29"), ("y1", "5"), ("y2", "5"));
                }

                page.Foreign(name, 60);
            }
        }
    }

    private static string Objective(PretrainingRecords records) => records.Run.Family switch
    {
        ArchitectureFamily.Roberta => " (its hidden words alone)",
        ArchitectureFamily.Bart => " (restored from spoilt text)",
        _ => "",
    };

    private static void Figures(HtmlWriter page, PretrainingRecords records)
    {
        using var table = new HtmlTable(page, "The pre-training in figures.", "keys", "what", "value");
        var (result, rate) = (records.Run.Result, Rate(records));
        Row("parameters", result is null ? null : Count(result.Parameters));
        Row("steps", Count(records.Steps));
        Row("tokens", records.Tokens is { } tokens ? Count((long)tokens) : null);
        Row("time", result is null ? null : Duration(result.Seconds));
        Row("loss on held-out text", records.HeldOut.Count > 0 ? $"{Short(records.HeldOut[^1].Y)} nats per {(records.Run.IsCausal ? "token" : "label")}" : null);
        Row("bits per byte", records.BitsPerByte.Count > 0 ? Short(records.BitsPerByte[^1].Y) : null);
        Row("tokens a second", rate is { } value ? Short(value) : null);
        Row("share of the matrix product's rate", records.Speed is { } speed && rate is { } achieved
            ? $"{Percent(speed.Share(achieved))}: {Short(speed.OperationsPerToken / 1e6)} million operations a token (6 for every weight but those of the input embedding), beside {Short(speed.GemmRate / 1e9)} GFLOP/s of a product of {Count(speed.GemmSize)} × {Count(speed.GemmSize)} numbers, measured after the training"
            : null);
        Row("waited for data", result?.DataWait is { } wait ? Percent(wait) : null);
        Row("documents", records.Prepared.Length > 0 ? records.Prepared : null);
        Row("documents left out", records.Removed is { } removed ? $"{Count(removed)}, since they overlap with texts that models are measured on" : null);

        void Row(string name, string? value)
        {
            if (value is null) return;
            using (table.Row())
            {
                table.Head(name);
                table.Foreign(value);
            }
        }
    }

    // Of the whole training, measurements and checkpoints included; while it goes on, of this attempt.
    private static double? Rate(PretrainingRecords records) =>
        records.Run.Result is { Seconds: > 0 } result ? result.Tokens / result.Seconds : records.Rate.Count > 0 ? records.Rate[^1].Y : null;

    private static void Curves(HtmlWriter page, PretrainingRecords records)
    {
        if (!records.Loss.Concat(records.HeldOut).Any(point => double.IsFinite(point.Y)))
        {
            page.Leaf("p", "No loss has been logged yet.", ("class", "soft"));
            return;
        }

        page.Leaf("p", $"By optimiser step, on straight scales that do not begin at 0. Of a curve with more than {MostPoints} points the means of {MostPoints} equal stretches are shown.", ("class", "soft"));
        var lines = BaselineLines(records);
        Legend(page, [("training text", LossColour), ("held-out text", HeldOutColour), .. lines.Select(line => (line.Name, line.Colour))]);
        using var grid = page.Open("div", ("class", "charts"));
        Figure("Loss", "loss (nats)", [Curve("training text", records.Loss, LossColour), Curve("held-out text", records.HeldOut, HeldOutColour)], fromZero: false);
        Figure("Bits per byte of held-out text", "bits per byte", [Curve("model", records.BitsPerByte, HeldOutColour), .. records.BitsPerByte.Count > 0 ? lines : []], fromZero: false);
        Figure("Speed", "thousand tokens a second", [Curve("thousand tokens a second", Times(records.Rate, 1e-3), LossColour)], fromZero: true);
        Figure("Learning rate", "learning rate × 1,000", [Curve("learning rate × 1,000", Times(records.LearningRate, 1e3), LossColour)], fromZero: true);

        void Figure(string title, string yName, LineChartCurve[] curves, bool fromZero)
        {
            if (!curves.Any(curve => curve.Points.Any(point => double.IsFinite(point.Y)))) return;
            page.Line();
            using var figure = page.Open("figure");
            using (page.Open("figcaption"))
            {
                page.Leaf("strong", title);
            }

            LineChart.Draw(page, title, "optimiser step", yName, curves, fromZero: fromZero);
        }
    }

    private static LineChartCurve Curve(string name, IReadOnlyList<(double X, double Y)> points, int colour) => new(name, LineChart.Thinned(points, MostPoints), colour);

    // Marks of many digits would run into the axis' name.
    private static IReadOnlyList<(double X, double Y)> Times(IReadOnlyList<(double X, double Y)> points, double factor) => [.. points.Select(point => (point.X, point.Y * factor))];

    private static LineChartCurve[] BaselineLines(PretrainingRecords records)
    {
        if (records.Baselines is not { } baselines) return [];
        (double X, double Y)[] Level(double value) => [(0, value), (Math.Max(1, records.Steps), value)];
        return [new($"model of {baselines.Order} bytes", Level(baselines.ByteModel), 2), .. baselines.Xz is { } xz ? [new LineChartCurve("xz", Level(xz), 1)] : Array.Empty<LineChartCurve>()];
    }

    private static void Baselines(HtmlWriter page, PretrainingRecords records)
    {
        if (records.Baselines is not { } baselines)
        {
            page.Leaf("p", records.Run.IsCausal || records.Run.Family is null
                ? "The held-out text was not given to compressors yet: 'understudy report' does it once the text is prepared."
                : "This model does not tell a text from its beginning to its end, so its bits per byte cannot be compared with those of compressors.", ("class", "soft"));
            return;
        }

        page.Leaf("p", $"On the same {Count(baselines.Bytes)} bytes in {Count(baselines.Documents)} documents, of each its end counted as one byte. Compressors see the held-out text alone; the model of bytes has learnt {Count(baselines.TrainBytes)} bytes of the training text, interpolated by the method of Kneser and Ney.", ("class", "soft"));
        using var table = new HtmlTable(page, "Bits per byte of the held-out text.", "arms", "by", "#bits per byte", "#of gzip's");
        Row("this model", records.BitsPerByte.Count > 0 ? records.BitsPerByte[^1].Y : null);
        Row($"the {baselines.Order} bytes before", baselines.ByteModel);
        Row("xz -9e", baselines.Xz);
        Row("gzip, best level", baselines.Gzip);

        void Row(string name, double? bits)
        {
            if (bits is null) return;
            using (table.Row())
            {
                table.Head(name);
                table.Number(Short(bits));
                table.Number(Percent(bits / baselines.Gzip));
            }
        }
    }

    private static void Samples(HtmlWriter page, PretrainingRecords records)
    {
        if (records.Samples.Count == 0)
        {
            page.Leaf("p", "Nothing: 'pretrain.samples' says from which beginnings a model should write, and how often.", ("class", "soft"));
            return;
        }

        var steps = records.Samples.Select(sample => sample.Step).Distinct().Order().ToArray();
        var shown = steps.Length <= MostSampledSteps ? steps : [.. Enumerable.Range(0, MostSampledSteps).Select(i => steps[(int)Math.Round(i * (steps.Length - 1.0) / (MostSampledSteps - 1))])];
        page.Leaf("p", $"At {shown.Length} of {steps.Length} steps; all texts lie in the run folder in stages/pretrain/samples.jsonl.", ("class", "soft"));
        foreach (var step in shown)
        {
            page.Line();
            // The newest is what one wants to see.
            using var details = step == shown[^1] ? page.Open("div") : page.Open("details");
            if (step != shown[^1]) page.Leaf("summary", $"Step {Count(step)}");
            using var table = new HtmlTable(page, $"Texts at step {step.ToString("N0", CultureInfo.InvariantCulture)}.", "rows", "beginning", "what the model made of it");
            foreach (var sample in records.Samples.Where(sample => sample.Step == step))
            {
                using (table.Row())
                {
                    table.Foreign(sample.Prompt, TextLength);
                    table.Foreign(sample.Text, TextLength);
                }
            }
        }
    }
}
