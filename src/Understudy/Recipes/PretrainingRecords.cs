using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>What a pre-training left in its run folder, finished or not. Reading changes nothing there.</summary>
/// <param name="Run">What was asked, and the result.</param>
/// <param name="Loss">Loss of a step by its number.</param>
/// <param name="HeldOut">Loss on held-out text by step.</param>
/// <param name="HeldOutTime">The same by seconds of training over all attempts.</param>
/// <param name="BitsPerByte">Bits per byte of held-out text by step.</param>
/// <param name="Rate">Tokens a second since the attempt began, by step.</param>
/// <param name="LearningRate">Learning rate by step.</param>
/// <param name="Tokens">Tokens trained on, as far as was logged.</param>
/// <param name="Samples">What the model wrote, in order.</param>
/// <param name="Removed">Documents that were left out because they overlap with texts to measure on; null where nothing says so.</param>
/// <param name="Prepared">How many documents there are and how many of them were held out, in words; empty before that is known.</param>
/// <param name="Baselines">What simpler means make of the held-out text; null while they were not measured.</param>
/// <param name="Speed">What the machine can do; null while it was not measured.</param>
/// <param name="Missing">What cannot be read, in sentences.</param>
internal sealed record PretrainingRecords(
    PretrainingFolder Run, IReadOnlyList<(double X, double Y)> Loss, IReadOnlyList<(double X, double Y)> HeldOut, IReadOnlyList<(double X, double Y)> HeldOutTime,
    IReadOnlyList<(double X, double Y)> BitsPerByte, IReadOnlyList<(double X, double Y)> Rate, IReadOnlyList<(double X, double Y)> LearningRate, double? Tokens,
    IReadOnlyList<PretrainingSample> Samples, long? Removed, string Prepared, PretrainingBaselines? Baselines, PretrainingSpeed? Speed, IReadOnlyList<string> Missing)
{
    /// <summary>The steps that were logged so far.</summary>
    public long Steps => Run.Result?.Steps ?? (Loss.Count > 0 ? (long)Loss[^1].X : 0);

    /// <summary>Reads a run folder.</summary>
    /// <returns>Null when the run has no pre-training.</returns>
    public static PretrainingRecords? Read(string folder)
    {
        if (PretrainingFolder.Read(folder) is not { } run) return null;
        List<(double X, double Y)> loss = [], heldOut = [], time = [], bits = [], rate = [], learningRate = [];
        var tokens = (double?)null;
        List<string> missing = [];
        Try(() => Visit(Path.Combine(run.Folder, "metrics.jsonl"), line =>
        {
            Add(loss, "loss");
            Add(rate, "tokens_per_second");
            Add(learningRate, "learning_rate");
            foreach (var name in (string[])["eval_loss", "held_out_loss"])
            {
                Add(heldOut, name);
                if (line.Figures.TryGetValue(name, out var value) && (line.Figures.TryGetValue("seconds", out var seconds) || Ended(line, out seconds))) time.Add((seconds, value));
            }

            foreach (var name in (string[])["eval_bits_per_byte", "bits_per_byte"]) Add(bits, name);
            if (line.Figures.TryGetValue("tokens", out var sum)) tokens = sum;

            void Add(List<(double X, double Y)> points, string figure)
            {
                if (line.Figures.TryGetValue(figure, out var value)) points.Add((line.Step, value));
            }
        }));
        IReadOnlyList<PretrainingSample> samples = [];
        Try(() => samples = ReadIfThere(Path.Combine(run.Stage, PretrainingSamples.FileName), path => JsonRows.Read<PretrainingSample>(path)) ?? []);
        var removed = (long?)null;
        Try(() => removed = ReadIfThere(Path.Combine(run.Stage, PretrainingText.RemovedName), path => (long?)JsonRows.Read<CorpusOverlap.Removed>(path).Count));
        var prepared = "";
        Try(() => prepared = ReadIfThere(Path.Combine(run.Stage, "prepared.txt"), File.ReadAllText)?.Trim() ?? "");
        return new PretrainingRecords(
            run, loss, heldOut, time, bits, rate, learningRate, run.Result?.Tokens ?? tokens, samples, removed, prepared, PretrainingBaselines.Read(run), PretrainingSpeed.Read(run), missing);

        // The last measurement has no time of its own: it is made when the training is over.
        bool Ended(MetricLine line, out double seconds)
        {
            seconds = run.Result?.Seconds ?? double.NaN;
            return run.Result is { } result && line.Step == result.Steps;
        }

        void Try(Action read)
        {
            try
            {
                read();
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                missing.Add(e.Message.Replace(run.Folder + Path.DirectorySeparatorChar, "", StringComparison.Ordinal));
            }
        }
    }

    /// <summary>When a loss on held-out text was first reached, on a straight line between two measurements.</summary>
    /// <param name="points">Losses by steps or by seconds.</param>
    /// <param name="loss">The loss.</param>
    /// <returns>Null when it was not reached; the first measurement when it was reached before.</returns>
    internal static double? Reached(IReadOnlyList<(double X, double Y)> points, double loss)
    {
        for (var i = 0; i < points.Count; i++)
        {
            if (!(points[i].Y <= loss)) continue;
            if (i == 0) return points[0].X;
            var ((x0, y0), (x1, y1)) = (points[i - 1], points[i]);
            return double.IsFinite(y0) ? x0 + ((x1 - x0) * (y0 - loss) / (y0 - y1)) : x1;
        }

        return null;
    }

    private static void Visit(string path, Action<MetricLine> visit)
    {
        if (!File.Exists(path)) return;
        MetricLog.Visit(path, line =>
        {
            if (line.Stage == Pretrain.StageName) visit(line);
        });
    }

    private static T? ReadIfThere<T>(string path, Func<string, T> read) => File.Exists(path) ? read(path) : default;
}
