using System.Text;
using Understudy.Data;
using Understudy.Evaluation;

namespace Understudy.Tests.Evaluation;

public sealed class ByteModelTests
{
    private static readonly string[] Words = ["set", "an", "alarm", "for", "seven", "play", "some", "jazz", "what", "is", "the", "weather", "in", "Zürich", "tomorrow", "please"];

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(6)]
    public void Probabilities_sum_to_one_after_any_context(int order)
    {
        var model = Learnt(order);
        var random = new SeededRandom(3);
        var seen = Encoding.UTF8.GetBytes(" weathe");
        var contexts = Enumerable.Range(0, 200).Select(_ => (ulong)random.NextLong(long.MaxValue) * 3)
            .Append(seen.Aggregate(0UL, (run, next) => (run << 8) | next)).Append(0x0A0A_0A0A_0A0A_0A0AUL);
        foreach (var context in contexts)
        {
            var probabilities = Enumerable.Range(0, 256).Select(next => model.Probability(context, (byte)next)).ToArray();
            Assert.All(probabilities, probability => Assert.InRange(probability, 1e-12, 1));
            Assert.Equal(1, probabilities.Sum(), 1e-12);
        }
    }

    [Fact]
    public void A_longer_context_tells_more()
    {
        var heldOut = Documents(200, 2);
        var bits = new[] { 0, 1, 3, 5 }.Select(order => BitsPerByte(Learnt(order), heldOut)).ToArray();
        Assert.Equal(bits.OrderDescending(), bits);
        Assert.InRange(bits[0], 3.5, 4.7);
        // What words follow each other nothing can tell: log2(16) bits for some 5 bytes.
        Assert.InRange(bits[3], 0.7, 1.0);
    }

    [Fact]
    public void Counts_are_those_of_Kneser_and_Ney()
    {
        var model = new ByteModel(1);
        model.Learn("abab\n"u8);
        // Pairs: \na 1, ab 2, ba 1, b\n 1, so the discount is 3 / (3 + 2 * 1) = 0.6; each byte comes behind one other: a behind 2, b and \n behind 1.
        // Single bytes: once 2, twice 1, discount 2 / (2 + 2) = 0.5, of 4 pairs in all 3 different bytes.
        var alone = ((1 - 0.5) / 4) + (0.5 * 3 / 4 / 256);
        Assert.Equal(((2 - 0.6) / 2) + (0.6 * 1 / 2 * alone), model.Probability('a', (byte)'b'), 1e-12);
        Assert.Equal(0.6 * 2 / 2 * (0.5 * 3 / 4 / 256), model.Probability('b', (byte)'z'), 1e-12);
        // Nothing is known after a z but how often bytes come behind different ones.
        Assert.Equal(alone, model.Probability('z', (byte)'b'), 1e-12);
    }

    [Fact]
    public void The_same_documents_give_the_same_bits()
    {
        var heldOut = Documents(50, 2);
        Assert.Equal(BitsPerByte(Learnt(5), heldOut), BitsPerByte(Learnt(5), heldOut));
        var reversed = new ByteModel(5);
        foreach (var document in Documents(1000, 1).Reverse()) reversed.Learn(document);
        Assert.Equal(BitsPerByte(Learnt(5), heldOut), BitsPerByte(reversed, heldOut), 1e-12);
    }

    [Fact]
    public void Text_that_comes_twice_leaves_something_for_what_never_came()
    {
        var model = new ByteModel(5);
        model.Learn("twice\n"u8);
        model.Learn("twice\n"u8);
        Assert.True(double.IsFinite(model.Bits("never\n"u8)));
        Assert.True(model.Bits("twice\n"u8) < model.Bits("never\n"u8));
    }

    [Fact]
    public void Nothing_is_learnt_after_something_was_measured()
    {
        var model = Learnt(2);
        _ = model.Bits("a\n"u8);
        Assert.Equal("All documents are learnt before the first is measured.", Assert.Throws<InvalidOperationException>(() => model.Learn("b\n"u8)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ByteModel(7));
    }

    [Fact]
    public void A_full_table_takes_no_more_and_keeps_what_it_has()
    {
        var table = new NgramTable<uint>(2000);
        for (var key = 0UL; key < 5000; key++)
        {
            ref var value = ref table.Slot(key << 40, out _);
            Assert.Equal(key >= 2000, System.Runtime.CompilerServices.Unsafe.IsNullRef(ref value));
            if (key < 2000) value = (uint)key + 1;
        }

        Assert.Equal(2000, table.Count);
        Assert.Equal((1u, 2000u, 0u), (table.Of(0), table.Of(1999UL << 40), table.Of(2000UL << 40)));
        Assert.Equal(Enumerable.Range(1, 2000).Select(value => (uint)value), table.Entries.Select(entry => entry.Value).Order());
    }

    private static ByteModel Learnt(int order)
    {
        var model = new ByteModel(order);
        foreach (var document in Documents(1000, 1)) model.Learn(document);
        return model;
    }

    private static byte[][] Documents(int count, long seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Encoding.UTF8.GetBytes(string.Join(' ', Enumerable.Range(0, 8).Select(_ => Words[random.NextInt(Words.Length)])) + "\n"))];
    }

    private static double BitsPerByte(ByteModel model, byte[][] documents) => documents.Sum(document => model.Bits(document)) / documents.Sum(document => document.Length);
}
