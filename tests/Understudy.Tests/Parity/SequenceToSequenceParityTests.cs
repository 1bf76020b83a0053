using Understudy.Parity;

namespace Understudy.Tests.Parity;

/// <summary>BART and T5 against the reference implementation's numbers.</summary>
[Collection(LiveTensors.Name)]
public sealed class SequenceToSequenceParityTests
{
    [Theory]
    [InlineData("bart")]
    [InlineData("t5")]
    public void Model_equals_the_reference(string name)
    {
        var checks = ModelParity.Run(Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models", name)).ToDictionary(check => check.Name);
        foreach (var check in new[] { "encoder_last_hidden_state", "logits", "loss", "gradients", "gradients.names", "training.loss", "training.grad_norm_before_clipping", "training.live_tensors" })
        {
            Assert.True(checks[check].Verdict == ParityVerdict.Passed, checks[check].ToString());
        }

        var generations = checks.Values.Where(check => check.Name.StartsWith("generation.", StringComparison.Ordinal)).ToList();
        Assert.Equal(9, generations.Count);
        Assert.All(generations, check => Assert.True(check.Verdict == ParityVerdict.Passed, check.ToString()));
    }

    [SharedFact("models/misaki-g2p-bart", "golden/misaki-g2p-bart.json")]
    public void A_trained_model_generates_what_the_reference_does()
    {
        var file = StoredGenerationParity.RunFile(Path.Combine(SharedFactAttribute.Root, "golden", "misaki-g2p-bart.json")).ToList();
        Assert.Equal(["greedy", "beam_4"], file.Select(check => check.Name));
        Assert.All(file, check => Assert.True(check.Verdict == ParityVerdict.Passed, check.ToString()));
        Assert.All(Stored("misaki-g2p-bart", 3), check => Assert.True(check.Verdict == ParityVerdict.Passed, check.ToString()));
    }

    [SharedFact("models/stories260k-llama", "models/smiles-gpt2")]
    public void Trained_causal_models_generate_what_the_reference_does()
    {
        Assert.All(Stored("stories260k-llama", 4), check => Assert.True(check.Verdict == ParityVerdict.Passed, check.ToString()));
        Assert.All(Stored("smiles-gpt2", 3), check => Assert.True(check.Verdict == ParityVerdict.Passed, check.ToString()));
    }

    private static List<ParityCheck> Stored(string name, int checks)
    {
        var folder = Path.Combine(SharedFactAttribute.Root, "models", name);
        Assert.True(StoredGenerationParity.Recognises(folder));
        var found = StoredGenerationParity.Run(folder).ToList();
        Assert.Equal(checks, found.Count);
        return found;
    }
}
