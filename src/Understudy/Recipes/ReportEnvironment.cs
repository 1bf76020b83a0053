using Understudy.Reports;
using Understudy.Runs;
using static Understudy.Reports.NumberText;

namespace Understudy.Recipes;

/// <summary>The report's last part: what someone needs to know to repeat the run.</summary>
internal static class ReportEnvironment
{
    private const int RunFileLength = 200_000;

    /// <summary>Versions, seed, machine, inputs, stages and the run file.</summary>
    public static void Write(HtmlWriter page, RunRecords records)
    {
        if (records.Manifest is { } manifest)
        {
            Manifest(page, manifest);
        }

        Stages(page, records);
        using (page.Open("details"))
        {
            page.Leaf("summary", "Run file, as it was resolved");
            page.Leaf("pre", VisibleText.Cut(records.RunFile, RunFileLength), ("tabindex", "0"));
        }
    }

    private static void Manifest(HtmlWriter page, RunManifest manifest)
    {
        using (var table = new HtmlTable(page, "Environment and seed.", "keys", "what", "value"))
        {
            Row("seed", $"{manifest.Seed}");
            Row("Understudy", manifest.Understudy);
            Row(".NET", manifest.Dotnet);
            Row("libtorch", manifest.Libtorch ?? "–");
            Row("operating system", manifest.OperatingSystem);
            Row("processor", manifest.Processor);
            Row("cores, threads", $"{manifest.Cores}, {manifest.Threads}");
            Row("memory", $"{Short(manifest.MemoryGib)} GiB");
            Row("device", manifest.Device);
            foreach (var (key, model) in manifest.Models)
            {
                Row(key, $"{model.Name}, revision {model.Revision}, commit {model.Commit}");
            }

            foreach (var given in manifest.Overrides)
            {
                Row("override", given);
            }

            void Row(string name, string value)
            {
                using (table.Row())
                {
                    table.Head(name);
                    table.Foreign(value);
                }
            }
        }

        if (manifest.Inputs.Count == 0)
        {
            return;
        }

        using var details = page.Open("details");
        page.Leaf("summary", "What was read");
        using var inputs = new HtmlTable(page, "SHA-256 of every file and folder read, by its key in the run file.", "keys", "key", "SHA-256");
        foreach (var (key, hash) in manifest.Inputs.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            using (inputs.Row())
            {
                inputs.ForeignHead(key);
                using (page.Open("td"))
                using (page.Open("code"))
                {
                    page.Foreign(hash);
                }
            }
        }
    }

    private static void Stages(HtmlWriter page, RunRecords records)
    {
        if (records.Result.Pretrain is { } pretrain)
        {
            page.Leaf("p", $"Pre-training: {Count(pretrain.Parameters)} parameters, {Count(pretrain.Steps)} steps, {Count(pretrain.Tokens)} tokens in {Duration(pretrain.Seconds)}, {Count((long)pretrain.TokensPerSecond)} a second; {Short(pretrain.BitsPerByte)} bits per byte on held-out text{(pretrain.LeftOut is > 0 and var left ? $"; {Count(left)} documents left out because they overlap with texts to measure on" : "")}{Waited(pretrain.DataWait)}.");
        }

        if (records.Result.Tune is { } tune)
        {
            page.Leaf("p", $"Tuning: {Count(tune.Seeds)} seeds, {Count(tune.Steps)} steps, last loss {Short(tune.Loss)}{(tune.ValidationAccuracy is { } best ? $", at best {Percent(best)} of the validation rows right" : "")}{(tune.Seconds is { } seconds ? $"; {Duration(seconds)}" : "")}{Waited(tune.DataWait)}.");
        }

        if (records.Stages.Count == 0)
        {
            return;
        }

        using var details = page.Open("details");
        page.Leaf("summary", $"Stages: {records.Stages.Count(stage => stage.Finished)} of {records.Stages.Count} finished");
        using var table = new HtmlTable(page, "Stages of the run.", "keys", "stage", "state");
        foreach (var (name, finished) in records.Stages)
        {
            using (table.Row())
            {
                table.ForeignHead(name);
                table.Cell(finished ? "finished" : "not finished");
            }
        }
    }

    private static string Waited(double? share) => share is { } value ? $"; {FigureText.Waited(value)}" : "";
}
