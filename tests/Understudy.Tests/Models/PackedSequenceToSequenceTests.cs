using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

public sealed class PackedSequenceToSequenceTests
{
    private static readonly int[] SourceLengths = [23, 1, 48, 16];

    /// <summary>The tolerances are what the modules themselves vary by from one instruction set to another, 4e-5 and 3e-4: post-norm blocks, and T5's scores that nothing scales, widen small differences.</summary>
    [Theory]
    [InlineData("bart", 6e-5)]
    [InlineData("t5", 2e-4)]
    public void Steps_compute_the_logits_of_targets_about_their_sources(string name, double tolerance)
    {
        using var model = Load(name);
        using var noGrad = torch.no_grad();
        var packed = PackedModel.Of(model)!;
        var sources = Sources(model);
        var targets = Targets(model);
        var found = PackedRows.OfAllTokens(packed, targets, sources: Encoded(packed, sources));
        for (var row = 0; row < targets.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            var expected = model.Logits(model.Decode(PackedRows.Ids(targets[row]), model.Encode(PackedRows.Ids(sources[row])))).ToArray<float>();
            PackedRows.AssertClose(expected, found[row], tolerance);
        }
    }

    [Theory]
    [InlineData("bart")]
    [InlineData("t5")]
    public void A_row_is_the_same_to_the_last_bit_alone_and_in_parts_and_among_others(string name)
    {
        using var model = Load(name);
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

    [Theory]
    [InlineData("bart")]
    [InlineData("t5")]
    public void Rows_share_the_pages_of_a_source(string name)
    {
        using var model = Load(name);
        var packed = PackedModel.Of(model)!;
        var source = Assert.Single(Encoded(packed, [Sources(model)[0]]));
        var targets = Targets(model);
        var together = PackedRows.OfAllTokens(packed, targets, sources: [.. targets.Select(_ => source)]);
        for (var row = 0; row < targets.Length; row++) Assert.Equal(Assert.Single(PackedRows.OfAllTokens(packed, [targets[row]], sources: [source])), together[row]);
    }

    [Fact]
    public void A_source_beyond_the_first_tables_is_read_whether_weights_were_given_back_or_not()
    {
        var config = TinySequenceToSequence.T5Config with { MaxLength = 6000 };
        int[] source = PackedRows.Tokens(config.VocabSize, 1, 4100);
        var found = new List<float[]>();
        foreach (var isAlone in new[] { false, true })
        {
            using var model = new T5ForConditionalGeneration(config, new RandomParameters(1, 0.3));
            var packed = PackedModel.Of(model)!;
            if (isAlone) packed.GiveBackSource();
            found.Add(PackedRows.OfAllTokens(packed, [[0, 5, 7]], sources: Encoded(packed, [source]))[0]);
        }

        Assert.Equal(found[0], found[1]);
    }

    private static ISequenceToSequenceModel Load(string name) => AutoModel.LoadSequenceToSequenceModel(Path.Combine(ModelFixtures.Root, name));

    private static int[][] Sources(ISequenceToSequenceModel model) => [.. SourceLengths.Select((length, row) => PackedRows.Tokens(model.VocabularySize, row, length))];

    private static int[][] Targets(ISequenceToSequenceModel model) =>
        [.. SourceLengths.Select((_, row) => (int[])[model.DecoderStartTokenId, .. PackedRows.Tokens(model.VocabularySize, 40 + row, 4 + (row * 9))])];

    private static (int Tokens, int[] Pages)[] Encoded(PackedModel packed, int[][] sources)
    {
        var pages = PackedRows.Pages(sources.Select(source => source.Length));
        packed.SourceCache!.Reserve(pages.Sum(own => own.Length));
        packed.Encode([.. sources.Select((source, row) => new StepSource(source, pages[row]))]);
        return [.. sources.Select((source, row) => (source.Length, pages[row]))];
    }
}
