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

    [Theory]
    [InlineData(5, 5)]
    [InlineData(5, 2)]
    [InlineData(7, 4)]
    [InlineData(2, 2)]
    [InlineData(40, 40)]
    public void Every_token_is_a_target_once_and_no_piece_crosses_a_document(int rowLength, int longest)
    {
        // 0 separates; every other number stands once.
        int[] lengths = [3, 1, 12, 2, 1, 1, 7, 4];
        var next = 1;
        int[] tokens = [0, .. lengths.SelectMany(length => Enumerable.Range(0, length).Select(_ => next++).Append(0).ToArray())];
        var documentOf = tokens.Select((token, at) => (token, tokens[..at].Count(one => one == 0))).Where(pair => pair.token != 0).ToDictionary(pair => pair.token, pair => pair.Item2);
        var packed = new PackedTokens(tokens, rowLength, separator: 0);
        var pieces = packed.Pieces(Enumerable.Range(0, packed.Rows), longest);
        Assert.All(pieces, piece =>
        {
            Assert.InRange(piece.Length, 2, longest + 1);
            // A separator begins a piece or ends it.
            Assert.DoesNotContain(0, piece[1..^1]);
            Assert.Single(piece.Where(token => token != 0).Select(token => documentOf[token]).Distinct());
        });

        // In their order the targets are the stream without its first token, as far as rows reach, and one token more.
        var reached = Math.Min(tokens.Length, (packed.Rows * rowLength) + 1);
        Assert.Equal(tokens[1..reached], pieces.SelectMany(piece => piece[1..]));
        // What a target is predicted from stands before it in the stream.
        Assert.Equal(tokens[..(reached - 1)], pieces.SelectMany(piece => piece[..^1]));
    }

    [Fact]
    public void Rows_may_be_asked_for_in_any_order_and_look_ahead_by_one_token()
    {
        var packed = new PackedTokens([0, 1, 2, 3, 4, 0, 5, 6, 0], 3, separator: 0);
        Assert.Equal([[3, 4, 0], [0, 5], [0, 1, 2, 3]], packed.Pieces([1, 0], 3));
        Assert.Equal([[5, 6, 0]], new PackedTokens([0, 1, 2, 5, 6, 0], 3, separator: 0).Pieces([1], 3));
        // Without a separator the stream is one document.
        Assert.Equal([[0, 1, 2, 3], [3, 4, 0, 5]], new PackedTokens([0, 1, 2, 3, 4, 0, 5, 6, 0], 3).Pieces([0, 1], 3));
    }

    [Fact]
    public void A_stream_that_fills_no_row_may_be_one()
    {
        using var folder = new TemporaryFolder();
        new PackedTokens([0, 1, 2, 0], 2, separator: 0).Save(folder["t.safetensors"]);
        var read = PackedTokens.Load(folder["t.safetensors"], 32, separator: 0, mayBeShort: true);
        Assert.Equal((1, 4), (read.Rows, read.RowLength));
        Assert.Equal([[0, 1, 2, 0]], read.Pieces([0], 32));
        Assert.Throws<ArgumentException>(() => PackedTokens.Load(folder["t.safetensors"], 32));
    }

    [Fact]
    public void Too_little_text_for_a_row_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new PackedTokens([1, 2, 3], 5));
        Assert.StartsWith("The text has 3 tokens, fewer than one row of 5. Give more text, or a smaller max_length.", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new PackedTokens([0], 5, separator: 0));
    }

    [Fact]
    public void Documents_shorter_than_a_row_are_one()
    {
        var packed = new PackedTokens([0, 1, 2, 0], 9, separator: 0);
        Assert.Equal(1, packed.Rows);
        Assert.Equal([[0, 1, 2, 0]], packed.Pieces([0], 9));
    }
}
