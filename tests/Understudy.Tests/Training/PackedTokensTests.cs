using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Training;

public sealed class PackedTokensTests
{
    [Fact]
    public void A_stream_is_cut_into_rows_and_read_back()
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        var packed = new PackedTokens([.. Enumerable.Range(0, 23)], 5);
        packed.Save(folder["tokens.safetensors"]);
        var read = PackedTokens.Load(folder["tokens.safetensors"], 5);
        Assert.Equal(4, read.Rows);
        Assert.Equal(23, read.Count);
        var batch = read.Batch([2, 0]).To().Ids;
        Assert.Equal([2L, 5L], batch.shape);
        Assert.Equal([10L, 11, 12, 13, 14, 0, 1, 2, 3, 4], batch.ToArray<long>());
    }

    [Fact]
    public void A_step_weighs_as_much_as_it_has_targets()
    {
        var step = new PackedTokens([.. Enumerable.Range(0, 20)], 5).Step(new StepRows([[2, 0], [1]], 7));
        Assert.Equal((2, 12.0, 15L, 7), (step.Batches.Count, step.Weight, step.Tokens, step.StepsInEpoch));
    }

    [Fact]
    public void Too_little_text_for_a_row_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new PackedTokens([1, 2, 3], 5));
        Assert.StartsWith("The text has 3 tokens, fewer than one row of 5. Give more text, or a smaller max_length.", error.Message, StringComparison.Ordinal);
    }
}
