using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Models;

/// <summary>A padded batch gives its real tokens what each row gives alone, gradients included, though padding is taken out before the first block.</summary>
[Collection(LiveTensors.Name)]
public sealed class UnpaddingTests
{
    private static readonly long[][] Rows = [[5, 9, 2, 40, 7, 11, 13, 4, 21], [8, 3], [6, 7, 8, 9, 10]];

    [Theory]
    [InlineData("gpt-neox", false)]
    [InlineData("gpt-neox", true)]
    [InlineData("gpt2-old-layout", false)]
    [InlineData("llama", false)]
    [InlineData("llama", true)]
    [InlineData("qwen3", false)]
    [InlineData("mistral-sliding-window", false)]
    public void A_causal_model_computes_rows_as_if_alone(string name, bool left)
    {
        using var scope = torch.NewDisposeScope();
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(ModelFixtures.Root, name));
        var (ids, mask) = Padded(left);
        var hidden = model.Hidden(ids, mask);
        (hidden * Weights(left, hidden.size(2))).sum().backward();
        var together = Gradients(model);
        for (var row = 0; row < Rows.Length; row++)
        {
            var alone = model.Hidden(torch.tensor(Rows[row], 1, Rows[row].Length));
            var own = Own(hidden, row, left);
            Near(alone.squeeze(0), own, 2e-5);
            (alone.squeeze(0) * Own(Weights(left, hidden.size(2)), row, left)).sum().backward();
        }

        Near(Gradients(model), together);
    }

    [Theory]
    [InlineData("bert-classifier")]
    [InlineData("roberta-classifier")]
    [InlineData("bart")]
    public void An_encoder_computes_rows_as_if_alone(string name)
    {
        using var scope = torch.NewDisposeScope();
        var folder = Path.Combine(ModelFixtures.Root, name);
        using var model = name == "bart" ? (IPretrainedModel)AutoModel.LoadSequenceToSequenceModel(folder) : AutoModel.LoadSequenceClassifier(folder);
        Tensor Output(Tensor ids, Tensor? mask) => model is ISequenceToSequenceModel writer ? writer.Encode(ids, mask).select(1, 0) : ((ISequenceClassifier)model).Forward(ids, mask);
        var (ids, mask) = Padded(left: false);
        var output = Output(ids, mask);
        var weights = torch.arange(output.numel()).to(ScalarType.Float32).sin().view(output.shape);
        (output * weights).sum().backward();
        var together = Gradients(model);
        for (var row = 0; row < Rows.Length; row++)
        {
            var alone = Output(torch.tensor(Rows[row], 1, Rows[row].Length), null);
            Near(alone.squeeze(0), output.select(0, row), 2e-5);
            (alone.squeeze(0) * weights.select(0, row)).sum().backward();
        }

        Near(Gradients(model), together);
    }

    [Fact]
    public void A_row_without_a_token_gives_zeros_and_disturbs_nobody()
    {
        using var scope = torch.NewDisposeScope();
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(ModelFixtures.Root, "gpt-neox"));
        var ids = torch.tensor([1L, 2, 3, 4, 9, 9, 9, 9, 5, 6, 7, 8], 3, 4);
        var mask = torch.tensor([1L, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1], 3, 4);
        var hidden = model.Hidden(ids, mask);
        Assert.All(hidden.select(0, 1).contiguous().ToArray<float>(), value => Assert.Equal(0, value));
        Near(model.Hidden(torch.tensor([5L, 6, 7, 8], 1, 4)).squeeze(0), hidden.select(0, 2), 2e-5);
        // Nothing real at all: no tokens are left to compute, and none are taken out.
        Assert.Equal(new long[] { 3, 4, hidden.size(2) }, model.Hidden(ids, torch.zeros([3, 4], ScalarType.Int64)).shape);
    }

    [Fact]
    public void Hidden_states_that_are_asked_for_keep_their_padding()
    {
        using var scope = torch.NewDisposeScope();
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(ModelFixtures.Root, "gpt-neox"));
        var (ids, mask) = Padded(left: false);
        var states = new List<Tensor>();
        var kept = model.Hidden(ids, mask, hiddenStates: states);
        Assert.All(states, state => Assert.Equal(new long[] { 3, 9, model.HiddenSize }, state.shape));
        Near(Own(kept, 1, left: false), Own(model.Hidden(ids, mask), 1, left: false), 2e-5);
    }

    [Fact]
    public void A_training_step_without_padding_leaves_no_tensors()
    {
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(ModelFixtures.Root, "gpt-neox"));
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            using var scope = torch.NewDisposeScope();
            var (ids, mask) = Padded(left: false);
            Losses.NextToken(model.Prelogits(model.Hidden(ids, mask)), ids.masked_fill(mask.eq(0), Losses.IgnoreIndex), 13).backward();
            foreach (var parameter in model.Parameters) parameter.Value.grad = null;
        }));
    }

    private static (Tensor Ids, Tensor Mask) Padded(bool left)
    {
        var columns = Rows.Max(row => row.Length);
        var (ids, mask) = (new long[Rows.Length * columns], new long[Rows.Length * columns]);
        for (var row = 0; row < Rows.Length; row++)
        {
            var start = (row * columns) + (left ? columns - Rows[row].Length : 0);
            Rows[row].CopyTo(ids, start);
            Array.Fill(mask, 1, start, Rows[row].Length);
        }

        return (torch.tensor(ids, Rows.Length, columns), torch.tensor(mask, Rows.Length, columns));
    }

    // A different weight for every number, none for padding.
    private static Tensor Weights(bool left, long width)
    {
        var mask = Padded(left).Mask.to(ScalarType.Float32).unsqueeze(-1);
        return mask * torch.arange(mask.numel() * width).to(ScalarType.Float32).sin().view(mask.size(0), mask.size(1), width);
    }

    private static Tensor Own(Tensor padded, int row, bool left) =>
        padded.select(0, row).narrow(0, left ? padded.size(1) - Rows[row].Length : 0, Rows[row].Length);

    private static Dictionary<string, Tensor> Gradients(IPretrainedModel model)
    {
        var gradients = model.Parameters.Where(parameter => parameter.Value.grad is not null).ToDictionary(parameter => parameter.Name, parameter => parameter.Value.grad!.clone());
        foreach (var parameter in model.Parameters) parameter.Value.grad = null;
        return gradients;
    }

    // A gradient that is zero in exact arithmetic (a key's bias: softmax does not see it) is rounding noise on both sides.
    private static void Near(Dictionary<string, Tensor> expected, Dictionary<string, Tensor> actual)
    {
        var largest = expected.Values.Max(gradient => gradient.abs().max().item<double>());
        foreach (var (name, gradient) in expected) Near(gradient, actual[name], 1e-4, largest / 100);
    }

    private static void Near(Tensor expected, Tensor actual, double tolerance, double floor = 1e-3)
    {
        using var gradients = torch.no_grad();
        var limit = tolerance * Math.Max(floor, expected.abs().max().item<double>());
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, limit);
    }
}
