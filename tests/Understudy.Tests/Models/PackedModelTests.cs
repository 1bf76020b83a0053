using Understudy.Data;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

public sealed class PackedModelTests
{
    /// <summary>The causal models among the fixtures that a step can compute.</summary>
    public static TheoryData<string> Causal()
    {
        var names = new TheoryData<string>();
        foreach (var name in ModelFixtures.Names)
        {
            using var model = AutoModel.Load(Path.Combine(ModelFixtures.Root, name)) as ICausalLanguageModel;
            if (model is not null && PackedModel.Of(model) is not null) names.Add(name);
        }

        return names;
    }

    [Theory]
    [MemberData(nameof(Causal))]
    public void A_step_computes_the_logits_of_the_model(string name)
    {
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(ModelFixtures.Root, name));
        using var noGrad = torch.no_grad();
        int[][] texts = [Tokens(model, 1, 37), Tokens(model, 2, 16), Tokens(model, 3, 1), Tokens(model, 4, 20)];
        var found = Logits(PackedModel.Of(model)!, texts, chunk: int.MaxValue);
        for (var row = 0; row < texts.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            var expected = model.Logits(model.Hidden(torch.tensor([.. texts[row].Select(id => (long)id)], 1, texts[row].Length))).ToArray<float>();
            AssertClose(expected, found[row], 2e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Causal))]
    public void A_row_is_the_same_to_the_last_bit_alone_and_in_parts_and_among_others(string name)
    {
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(ModelFixtures.Root, name));
        foreach (var narrow in new[] { false, true })
        {
            using var autocast = narrow ? torch.autocast(ScalarType.BFloat16) : null;
            var packed = PackedModel.Of(model)!;
            var texts = Enumerable.Range(0, 9).Select(i => Tokens(model, i, 1 + (i * 13 % 41))).ToArray();
            var together = Logits(packed, texts, chunk: int.MaxValue);
            var parts = Logits(packed, texts, chunk: 7);
            for (var row = 0; row < texts.Length; row++)
            {
                var alone = Assert.Single(Logits(packed, [texts[row]], chunk: int.MaxValue));
                Assert.Equal(alone, together[row]);
                Assert.Equal(alone, parts[row]);
                Assert.Equal(alone, Assert.Single(Logits(packed, [texts[row]], chunk: 1)));
            }
        }
    }

    private static int[] Tokens(ICausalLanguageModel model, int seed, int count)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, Math.Min(count, model.MaxLength)).Select(_ => random.NextInt(model.VocabularySize))];
    }

    /// <summary>The logits of every token of every row, computed in parts of so many tokens.</summary>
    private static float[][] Logits(PackedModel packed, int[][] texts, int chunk)
    {
        var pages = texts.Select((text, row) => Enumerable.Range(0, (text.Length + PagedCache.PageTokens - 1) / PagedCache.PageTokens).ToArray()).ToArray();
        var next = 0;
        foreach (var own in pages)
        {
            for (var i = 0; i < own.Length; i++) own[i] = next++;
        }

        packed.Cache.Reserve(next);
        var found = texts.Select(_ => new List<float>()).ToArray();
        var batch = new StepBatch();
        for (var done = 0; texts.Any(text => text.Length > done); done += Math.Min(chunk, 1 << 20))
        {
            using var scope = torch.NewDisposeScope();
            batch.Clear();
            var lines = new List<int>();
            for (var row = 0; row < texts.Length; row++)
            {
                if (texts[row].Length <= done) continue;
                var part = texts[row].AsSpan(done, Math.Min(chunk, texts[row].Length - done));
                var first = batch.Add(part, done, pages[row]);
                for (var i = 0; i < part.Length; i++)
                {
                    batch.Select(first + i);
                    lines.Add(row);
                }
            }

            var output = torch.empty([lines.Count, packed.Outputs], ScalarType.Float32);
            packed.Run(batch, texts.Max(text => text.Length), output);
            var numbers = output.ToArray<float>();
            for (var line = 0; line < lines.Count; line++) found[lines[line]].AddRange(numbers.AsSpan(line * packed.Outputs, packed.Outputs));
        }

        return [.. found.Select(list => list.ToArray())];
    }

    private static void AssertClose(float[] expected, float[] found, double tolerance)
    {
        Assert.Equal(expected.Length, found.Length);
        var largest = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - found[i]) <= tolerance * Math.Max(1, largest), $"{i}: expected {expected[i]}, found {found[i]}.");
    }
}
