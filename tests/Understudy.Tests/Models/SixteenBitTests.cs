using Understudy.Generation;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

/// <summary>Causal models whose weights are held in bfloat16.</summary>
[Collection(LiveTensors.Name)]
public sealed class SixteenBitTests
{
    private static readonly LoadOptions Bf16 = new() { DType = ScalarType.BFloat16 };

    [Theory]
    [InlineData("gpt-neox")]
    [InlineData("gpt2-old-layout")]
    [InlineData("llama")]
    [InlineData("llama3-rope-old-layout")]
    [InlineData("mistral-sliding-window")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Logits_are_those_of_float32_up_to_rounding(string family)
    {
        var folder = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models", family);
        using var scope = torch.NewDisposeScope();
        using var grad = torch.no_grad();
        using var narrow = AutoModel.LoadCausalLanguageModel(folder, Bf16);
        using var wide = AutoModel.LoadCausalLanguageModel(folder);
        Assert.All(narrow.Parameters, parameter => Assert.Equal(ScalarType.BFloat16, parameter.Value.dtype));
        var ids = torch.tensor(new long[] { 5, 16, 27, 38, 49, 60, 1, 11, 22, 33, 44, 55 }, 2, 6);
        var mask = torch.tensor(new long[] { 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1 }, 2, 6);
        var expected = wide.Logits(wide.Hidden(ids, mask)) * mask.unsqueeze(-1);
        var found = narrow.Logits(narrow.Hidden(ids, mask)) * mask.unsqueeze(-1);
        Assert.Equal(ScalarType.BFloat16, found.dtype);
        Assert.InRange((found.to(ScalarType.Float32) - expected).norm().item<float>() / expected.norm().item<float>(), 0, 0.06f);

        var generator = new TextGenerator(narrow, [], doSample: false, new StopCondition([], [], 5, _ => ""));
        Assert.All(generator.Generate([new GenerationPrompt([5, 6, 7]), new GenerationPrompt([8, 9])]), text => Assert.Equal(5, text.Tokens.Count));
    }
}
