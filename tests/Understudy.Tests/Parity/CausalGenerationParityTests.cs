using Understudy.Models;
using Understudy.Parity;

namespace Understudy.Tests.Parity;

public sealed class CausalGenerationParityTests
{
    [SharedFact("golden/gpt-neox", "golden/gpt-neox-sequential", "golden/gpt-neox-old-layout")]
    public void Generations_and_completion_scores_equal_the_reference()
    {
        foreach (var name in new[] { "gpt-neox", "gpt-neox-sequential", "gpt-neox-old-layout" })
        {
            var folder = Path.Combine(SharedFactAttribute.Root, "golden", name);
            using var golden = new GoldenTensors(folder);
            using var model = AutoModel.LoadCausalLanguageModel(folder);
            var checks = CausalGenerationParity.Run(golden, model).ToList();
            Assert.Equal(
                ["completion_logprobs", "greedy", "greedy_without_eos", "greedy_repetition_penalty_1.3_no_repeat_ngram_3", "beam_3"],
                checks.Where(check => check.Verdict == ParityVerdict.Passed).Select(check => check.Name));
            Assert.Equal(5, checks.Count);
        }
    }
}
