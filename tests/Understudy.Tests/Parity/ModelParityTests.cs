using Understudy.Parity;

namespace Understudy.Tests.Parity;

/// <summary>Every model family against the reference implementation's numbers.</summary>
[Collection(LiveTensors.Name)]
public sealed class ModelParityTests
{
    [Theory]
    [InlineData("gpt-neox", 20)]
    [InlineData("gpt-neox-sequential", 21)]
    [InlineData("gpt-neox-bf16-sharded", 20)]
    [InlineData("gpt-neox-fp16", 13)]
    [InlineData("gpt-neox-old-layout", 20)]
    [InlineData("gpt2-old-layout", 20)]
    [InlineData("llama", 20)]
    [InlineData("llama3-rope-old-layout", 20)]
    [InlineData("qwen2", 20)]
    [InlineData("qwen3", 20)]
    [InlineData("mistral-sliding-window", 20)]
    [InlineData("gpt-neox-lora", 15)]
    [InlineData("gpt-neox-lora-rslora", 15)]
    [InlineData("gpt-neox-dora", 15)]
    [InlineData("llama-lora", 15)]
    [InlineData("roberta-classifier", 14)]
    [InlineData("roberta-mlm", 4)]
    [InlineData("bert-classifier", 14)]
    [InlineData("bert-classifier-old-layout", 14)]
    public void Model_equals_the_reference(string name, int passed)
    {
        var checks = ModelParity.Run(Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models", name)).ToList();
        Assert.DoesNotContain(checks, check => check.Verdict == ParityVerdict.Failed);
        Assert.Equal(passed, checks.Count(check => check.Verdict == ParityVerdict.Passed));
    }

    [Fact]
    public void A_changed_weight_fails()
    {
        using var folder = new TemporaryFolder();
        var source = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models", "roberta-mlm");
        foreach (var file in Directory.GetFiles(source))
        {
            File.Copy(file, folder[Path.GetFileName(file)]);
        }

        using (var stream = new FileStream(folder["model.safetensors"], FileMode.Open))
        {
            stream.Seek(-200, SeekOrigin.End);
            stream.Write(BitConverter.GetBytes(3f));
        }

        Assert.Contains(ModelParity.Run(folder.FullName), check => check.Verdict == ParityVerdict.Failed);
    }

    [Theory]
    [InlineData("{}", "has no key 'rows', which this comparison needs.")]
    [InlineData("{\"rows\": [", "is not valid JSON:")]
    public void A_damaged_reference_says_what_is_wrong_with_it(string text, string message)
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models", "bert-classifier")))
        {
            File.Copy(file, folder[Path.GetFileName(file)]);
        }

        File.WriteAllText(folder["expected.json"], text);
        var error = Assert.Throws<InvalidDataException>(() => ModelParity.Run(folder.FullName).ToList());
        Assert.StartsWith(folder["expected.json"] + " " + message, error.Message, StringComparison.Ordinal);
    }

    [SharedFact("models/all-MiniLM-L6-v2")]
    public void Embeddings_of_a_real_encoder_equal_the_reference()
    {
        var checks = EmbeddingParity.Run(Path.Combine(SharedFactAttribute.Root, "models", "all-MiniLM-L6-v2")).ToList();
        Assert.Equal(2, checks.Count);
        Assert.All(checks, check => Assert.Equal(ParityVerdict.Passed, check.Verdict));
    }
}
