using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

public sealed class PackedSequenceToSequenceTests
{
    private static readonly int[] SourceLengths = [23, 1, 48, 16];

    [Fact]
    public void Steps_compute_the_logits_of_targets_about_their_sources()
    {
        using var model = Load();
        using var noGrad = torch.no_grad();
        var packed = PackedModel.Of(model)!;
        var sources = Sources(model);
        var targets = Targets(model);
        var found = PackedRows.OfAllTokens(packed, targets, sources: Encoded(packed, sources));
        for (var row = 0; row < targets.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            var expected = model.Logits(model.Decode(PackedRows.Ids(targets[row]), model.Encode(PackedRows.Ids(sources[row])))).ToArray<float>();
            // Post-norm blocks widen small differences: the module's own kernels of two instruction sets are 4e-5 apart on the third row.
            PackedRows.AssertClose(expected, found[row], 6e-5);
        }
    }

    [Fact]
    public void A_row_is_the_same_to_the_last_bit_alone_and_in_parts_and_among_others()
    {
        using var model = Load();
        foreach (var narrow in new[] { false, true })
        {
            using var autocast = narrow ? torch.autocast(ScalarType.BFloat16) : null;
            var packed = PackedModel.Of(model)!;
            var (sources, targets) = (Sources(model), Targets(model));
            var encoded = Encoded(packed, sources);
            var together = PackedRows.OfAllTokens(packed, targets, sources: encoded);
            var parts = PackedRows.OfAllTokens(packed, targets, chunk: 3, encoded);
            for (var row = 0; row < targets.Length; row++)
            {
                var alone = Assert.Single(PackedRows.OfAllTokens(packed, [targets[row]], sources: Encoded(packed, [sources[row]])));
                Assert.Equal(alone, together[row]);
                encoded = Encoded(packed, sources);
                Assert.Equal(alone, parts[row]);
            }
        }
    }

    [Fact]
    public void Rows_share_the_pages_of_a_source()
    {
        using var model = Load();
        var packed = PackedModel.Of(model)!;
        var source = Assert.Single(Encoded(packed, [Sources(model)[0]]));
        var targets = Targets(model);
        var together = PackedRows.OfAllTokens(packed, targets, sources: [.. targets.Select(_ => source)]);
        for (var row = 0; row < targets.Length; row++) Assert.Equal(Assert.Single(PackedRows.OfAllTokens(packed, [targets[row]], sources: [source])), together[row]);
    }

    private static BartForConditionalGeneration Load() => (BartForConditionalGeneration)AutoModel.LoadSequenceToSequenceModel(Path.Combine(ModelFixtures.Root, "bart"));

    private static int[][] Sources(BartForConditionalGeneration model) => [.. SourceLengths.Select((length, row) => PackedRows.Tokens(model.VocabularySize, row, length))];

    private static int[][] Targets(BartForConditionalGeneration model) =>
        [.. SourceLengths.Select((_, row) => (int[])[model.DecoderStartTokenId, .. PackedRows.Tokens(model.VocabularySize, 40 + row, 4 + (row * 9))])];

    private static (int Tokens, int[] Pages)[] Encoded(PackedModel packed, int[][] sources)
    {
        var pages = PackedRows.Pages(sources.Select(source => source.Length));
        packed.SourceCache!.Reserve(pages.Sum(own => own.Length));
        packed.Encode([.. sources.Select((source, row) => new StepSource(source, pages[row]))]);
        return [.. sources.Select((source, row) => (source.Length, pages[row]))];
    }
}
