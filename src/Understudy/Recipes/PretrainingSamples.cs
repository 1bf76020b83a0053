using Understudy.Models;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>What a model wrote at a step of its pre-training.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Prompt">What it began from.</param>
/// <param name="Text">What it made of it.</param>
public sealed record PretrainingSample(int Step, string Prompt, string Text);

/// <summary>The log of <see cref="SampleOptions"/>.</summary>
internal static class PretrainingSamples
{
    internal const string FileName = "samples.jsonl";

    /// <summary>Lets the model write, and adds it to the log; what an interrupted attempt wrote at this step or later is replaced.</summary>
    internal static void Append(IPretrainingObjective objective, SampleOptions options, int step, long seed, string folder)
    {
        objective.Model.Training = false;
        var path = Path.Combine(folder, FileName);
        var before = File.Exists(path) ? JsonRows.Read<PretrainingSample>(path).Where(sample => sample.Step < step) : [];
        var now = options.Prompts.Select((prompt, i) => new PretrainingSample(step, prompt, objective.Sample(prompt, options, seed + i)));
        JsonRows.Write(path, [.. before, .. now]);
        // What inference packed would only take up memory, since the next step changes the weights.
        PackedModel.Forget(objective.Model);
    }
}
