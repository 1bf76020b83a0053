using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

[Collection(LiveTensors.Name)]
public sealed class GradientCheckpointingTests
{
    public static TheoryData<string, bool> Families { get; } = [];

    static GradientCheckpointingTests()
    {
        foreach (var folder in ModelFixtures.Names)
        {
            Families.Add(folder, false);
            Families.Add(folder, true);
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Gradients_are_equal_bit_for_bit(string folder, bool autocast)
    {
        using var model = AutoModel.Load(Path.Combine(ModelFixtures.Root, folder));
        model.Dropout = 0.1;
        model.Training = true;
        var plain = Gradients(model, autocast);
        model.GradientCheckpointing = true;
        var again = Gradients(model, autocast);
        Assert.Equal(plain.Keys, again.Keys);
        Assert.All(plain, pair => Assert.True(pair.Value.AsSpan().SequenceEqual(again[pair.Key]), pair.Key));
        Assert.True(plain.Count > 10, $"only {plain.Count} weights have a gradient");
        Assert.Contains(plain.Values, values => values.Any(value => value != 0));
    }

    [Fact]
    public void The_blocks_learn_when_the_embedding_is_frozen()
    {
        using var model = AutoModel.Load(Path.Combine(ModelFixtures.Root, "gpt-neox"));
        model.Parameters.Single(parameter => parameter.Name == "gpt_neox.embed_in.weight").Value.requires_grad = false;
        model.Training = true;
        var plain = Gradients(model, autocast: false);
        model.GradientCheckpointing = true;
        var again = Gradients(model, autocast: false);
        Assert.Contains("gpt_neox.layers.0.attention.query_key_value.weight", again.Keys);
        Assert.Equal(plain.Keys, again.Keys);
        Assert.All(plain, pair => Assert.True(pair.Value.AsSpan().SequenceEqual(again[pair.Key]), pair.Key));
    }

    [Fact]
    public void A_step_leaves_no_tensor()
    {
        using var model = AutoModel.Load(Path.Combine(ModelFixtures.Root, "llama"));
        model.Training = model.GradientCheckpointing = true;
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            using var scope = torch.NewDisposeScope();
            Output(model).sum().backward();
            foreach (var parameter in model.Parameters) parameter.Value.grad = null;
        }));
    }

    private static Dictionary<string, float[]> Gradients(IPretrainedModel model, bool autocast)
    {
        using var scope = torch.NewDisposeScope();
        torch.manual_seed(7);
        Tensor loss;
        using (autocast ? torch.autocast(ScalarType.BFloat16) : null)
        {
            var output = Output(model).to(ScalarType.Float32);
            loss = output.mul(output).mean();
        }

        loss.backward();
        var gradients = new Dictionary<string, float[]>();
        foreach (var (name, value) in model.Parameters)
        {
            if (value.grad is { } gradient) gradients[name] = gradient.ToArray<float>();
            value.grad = null;
        }

        return gradients;
    }

    private static Tensor Output(IPretrainedModel model)
    {
        var ids = torch.tensor([5L, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], 2, 6);
        var mask = torch.tensor([1L, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0], 2, 6);
        return model switch
        {
            ICausalLanguageModel causal => causal.Logits(causal.Hidden(ids, mask)),
            ISequenceClassifier classifier => classifier.Forward(ids, mask),
            IMaskedLanguageModel masked => masked.Forward(ids, mask),
            ISequenceToSequenceModel pair => pair.Logits(pair.Decode(ids, pair.Encode(ids, mask), mask)),
            _ => throw new NotSupportedException(model.GetType().Name),
        };
    }
}
