using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Tests.Recipes;

/// <summary>A run folder as <c>understudy pretrain</c> would leave it, without the training.</summary>
internal static class PretrainingFolders
{
    /// <summary>Writes it.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="finished">Whether the pre-training came to its end, and was measured beside baselines.</param>
    /// <param name="optimizer">The optimiser.</param>
    /// <param name="secondsPerStep">How long a step took.</param>
    /// <param name="family">What was trained.</param>
    /// <param name="text">What the model wrote.</param>
    public static void Write(string folder, bool finished = true, string optimizer = "adam_w", double secondsPerStep = 2, string family = "gpt_neox", string text = "like to go home")
    {
        var stage = Path.Combine(folder, "stages", "pretrain");
        Directory.CreateDirectory(stage);
        File.WriteAllText(Path.Combine(folder, "run.yaml"), $$$"""
            name: box
            data: {train: {path: rows.jsonl}}
            arms: [seeds_only]
            pretrain:
              corpus: [{path: text.txt}]
              architecture: {family: {{{family}}}, hidden_size: 64, max_position_embeddings: 64}
              training: {optimizer: {{{optimizer}}}, learning_rate: 0.002, max_steps: 400, precision: bf16}
            """);
        double Loss(long step) => 3 + (5 * Math.Exp(-step / 100.0));
        string Line(long step, params (string Name, object Value)[] figures) =>
            RunJson.Line(new Dictionary<string, object>([new("stage", "pretrain"), new("step", step), .. figures.Select(one => new KeyValuePair<string, object>(one.Name, one.Value))]));
        List<string> lines = [];
        for (var step = 10L; step <= 400; step += 10)
        {
            lines.Add(Line(step, ("loss", Loss(step)), ("learning_rate", 2e-3), ("tokens", step * 1000), ("tokens_per_second", 1000 / secondsPerStep)));
            if (step % 100 == 0 && step < 400) lines.Add(Line(step, ("eval_loss", Loss(step) + 0.1), ("eval_bits_per_byte", (Loss(step) + 0.1) / 2.5), ("seconds", step * secondsPerStep)));
        }

        if (finished) lines.Add(Line(400, ("held_out_loss", Loss(400) + 0.1), ("bits_per_byte", (Loss(400) + 0.1) / 2.5)));
        File.WriteAllLines(Path.Combine(folder, "metrics.jsonl"), lines);
        var result = finished ? new PretrainResult(1_234_567, 400, 400_000, 400 * secondsPerStep, Loss(400) + 0.1, (Loss(400) + 0.1) / 2.5, 0.01) : null;
        Storage.Replace(Path.Combine(stage, "stage.json"), RunJson.Text(new StageMarker<PretrainResult>("print", new Dictionary<string, string>(), finished, result)));
        File.WriteAllText(Path.Combine(stage, "prepared.txt"), "12 documents held out of 3456\n");
        File.WriteAllText(Path.Combine(stage, "held-out-tokens.safetensors"), "the same for all");
        JsonRows.Write(Path.Combine(stage, "removed.jsonl"), Enumerable.Range(0, 1234).Select(i => new CorpusOverlap.Removed($"document {i}", "test row")));
        JsonRows.Write(Path.Combine(stage, "samples.jsonl"), Enumerable.Range(1, 20).Select(i => new Understudy.Recipes.PretrainingSample(i * 20, "I would", text)));
        if (!finished) return;
        Storage.Replace(Path.Combine(stage, "baselines.json"), RunJson.Text(new PretrainingBaselines("print", 5000, 12, 1_000_000, 5, 2.25, 3.5, 3.125)));
        Storage.Replace(Path.Combine(stage, "speed.json"), RunJson.Text(new PretrainingSpeed("print", 6e6, 12e9, 2048)));
    }
}
