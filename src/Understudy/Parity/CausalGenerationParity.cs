using Understudy.Models;

namespace Understudy.Parity;

/// <summary>What a causal model generates and how it scores completions, against the reference.</summary>
internal static class CausalGenerationParity
{
    internal static IEnumerable<ParityCheck> Run(GoldenTensors golden, ICausalLanguageModel model)
    {
        yield return ParityCheck.Skip("beam_3", "beam search is not supported");
    }
}
