using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>The end of a chain of processors that a line of logits can be drawn from in one go: temperature, top-k, top-p and min-p in that order.</summary>
/// <param name="Before">The processors before it.</param>
/// <param name="Temperature">1 for none.</param>
/// <param name="TopK">0 for none.</param>
/// <param name="TopP">1 for none.</param>
/// <param name="MinP">0 for none.</param>
internal sealed record DrawSettings(IReadOnlyList<ILogitsProcessor> Before, float Temperature, int TopK, float TopP, float MinP)
{
    /// <summary>The settings of a chain; null where it ends in something else, and the processors have to be asked one by one.</summary>
    internal static DrawSettings? Of(IReadOnlyList<ILogitsProcessor> processors)
    {
        var at = processors.Count;
        var minP = Last<MinPLogitsWarper>()?.MinP ?? 0;
        var topP = Last<TopPLogitsWarper>()?.TopP ?? 1;
        var topK = Last<TopKLogitsWarper>()?.K ?? 0;
        var temperature = Last<TemperatureLogitsWarper>()?.Temperature ?? 1;
        var before = processors.Take(at).ToList();
        return before.Exists(processor => processor is TemperatureLogitsWarper or TopKLogitsWarper or TopPLogitsWarper or MinPLogitsWarper or TypicalLogitsWarper or CutoffLogitsWarper)
            ? null
            : new DrawSettings(before, temperature, topK, (float)topP, minP);

        T? Last<T>()
            where T : class
        {
            if (at == 0 || processors[at - 1] is not T found) return null;
            at--;
            return found;
        }
    }

    /// <summary>What is drawn from a line.</summary>
    internal DrawLine Line(int line, double share) => new(share, Temperature, TopP, MinP, TopK, line);
}
