using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Training;

public sealed class TokenLayoutTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Numbers_beside_the_tokens_lie_where_the_tokens_do(bool left)
    {
        using var scope = torch.NewDisposeScope();
        var layout = TokenLayout.Of([[1, 2, 3], [4]], padding: 9, left);
        var (ids, mask) = layout.To();
        var weights = layout.To(layout.Beside<float>([[0.5f, 1, 2], [3]], -1));
        Assert.Equal((2, 3, 4L), (layout.Rows, layout.Columns, layout.Tokens));
        Assert.Equal(left ? [1L, 2, 3, 9, 9, 4] : [1L, 2, 3, 4, 9, 9], ids.ToArray<long>());
        Assert.Equal(left ? [1L, 1, 1, 0, 0, 1] : [1L, 1, 1, 1, 0, 0], mask!.ToArray<long>());
        Assert.Equal(left ? [0.5f, 1, 2, -1, -1, 3] : [0.5f, 1, 2, 3, -1, -1], weights.ToArray<float>());
        Assert.Equal([2L, 3L], weights.shape);
    }

    [Fact]
    public void Rows_of_one_length_need_no_mask() => Assert.Null(TokenLayout.Of([[1, 2], [3, 4]], 0).To().Mask);
}
