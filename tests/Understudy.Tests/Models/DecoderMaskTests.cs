using Understudy.Torch;

namespace Understudy.Tests.Models;

/// <summary>A decoder that is told of its padding computes for real tokens what it computes without being told.</summary>
public sealed class DecoderMaskTests
{
    // 16 and 17 real tokens: the first fill a packed batch exactly, the others leave places to fill.
    private static readonly int[] Sixteen = [9, 2, 5];
    private static readonly int[] Seventeen = [9, 3, 5];

    [Theory]
    [InlineData("bart", 16, 16)]
    [InlineData("bart", 16, 17)]
    [InlineData("bart", 17, 16)]
    [InlineData("bart", 17, 17)]
    [InlineData("bart", 16, 0)]
    [InlineData("bart", 17, 0)]
    [InlineData("bart-tied", 17, 16)]
    [InlineData("t5", 17, 16)]
    public void Hidden_states_and_gradients_are_the_same(string kind, int targetTokens, int sourceTokens)
    {
        using var scope = torch.NewDisposeScope();
        using var model = TinySequenceToSequence.New(kind);
        var (target, targetMask) = Padded(targetTokens == 16 ? Sixteen : Seventeen, 3);
        // A source without padding has no mask.
        var (source, sourceMask) = sourceTokens == 0 ? (Padded([8, 8, 8], 5).Ids, null) : Padded(sourceTokens == 16 ? Sixteen : Seventeen, 5);
        var (told, toldGradients) = Computed(targetMask);
        var (untold, untoldGradients) = Computed(null);
        Near(untold, told, 1e-4);
        Assert.Equal(untoldGradients.Keys, toldGradients.Keys);
        foreach (var (name, gradient) in untoldGradients) Near(gradient, toldGradients[name], 1e-3, untoldGradients.Values.Max(one => one.abs().max().item<double>()) / 100);

        (Tensor Hidden, SortedDictionary<string, Tensor> Gradients) Computed(Tensor? decoderMask)
        {
            var hidden = model.Decode(target, model.Encode(source, sourceMask), sourceMask, decoderAttentionMask: decoderMask);
            var real = hidden.masked_fill(targetMask.eq(0).unsqueeze(-1), 0);
            (real * torch.arange(real.numel()).to(ScalarType.Float32).sin().view(real.shape)).sum().backward();
            var gradients = new SortedDictionary<string, Tensor>(StringComparer.Ordinal);
            foreach (var (name, value) in model.Parameters)
            {
                if (value.grad is { } gradient) gradients[name] = gradient.clone();
                value.grad = null;
            }

            return (real.detach(), gradients);
        }
    }

    private static (Tensor Ids, Tensor Mask) Padded(int[] lengths, int first)
    {
        var columns = lengths.Max();
        var (ids, mask) = (new long[lengths.Length * columns], new long[lengths.Length * columns]);
        for (var row = 0; row < lengths.Length; row++)
        {
            for (var at = 0; at < lengths[row]; at++)
            {
                ids[(row * columns) + at] = 3 + (((row * 11) + (at * first)) % (TinySequenceToSequence.Vocabulary - 3));
                mask[(row * columns) + at] = 1;
            }
        }

        return (torch.tensor(ids, lengths.Length, columns), torch.tensor(mask, lengths.Length, columns));
    }

    private static void Near(Tensor expected, Tensor actual, double tolerance, double floor = 1e-3)
    {
        using var gradients = torch.no_grad();
        var difference = (expected - actual).abs().max().item<double>();
        Assert.InRange(difference, 0, tolerance * Math.Max(floor, expected.abs().max().item<double>()));
    }
}
