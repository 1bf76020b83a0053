using Understudy.Data;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Tests.Recipes;

/// <summary>A small language that a small model can learn something of, and a tokenizer for it.</summary>
internal static class ToyText
{
    private static readonly string[] Animals = ["cat", "dog", "horse", "sparrow", "elephant", "spider"];
    private static readonly string[] Verbs = ["sees", "follows", "remembers", "answers"];
    private static readonly string[] Places = ["in the garden", "behind the house", "near the river", "under the old bridge"];

    private static readonly Lazy<Tokenizer> Learnt = new(() => In(context =>
        Tokenizers.Learn(Documents(300, 9), new TokenizerTrainingOptions { VocabularySize = 400, SplitDigits = true }, ArchitectureFamily.GptNeox, context)));

    /// <summary>Documents of one or two sentences.</summary>
    public static string[] Documents(int count, long seed)
    {
        var random = new SeededRandom(seed);
        string One(string[] words) => words[random.NextInt(words.Length)];
        string Sentence() => $"The {One(Animals)} {One(Verbs)} a {One(Animals)} {One(Places)}.";
        return [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() < 0.4 ? $"{Sentence()} {Sentence()}" : Sentence())];
    }

    /// <summary>The tokenizer, with the template of a family.</summary>
    public static Tokenizer TokenizerOf(ArchitectureFamily family) => Tokenizers.For(Learnt.Value, family);

    /// <summary>The ids of a text, without special tokens.</summary>
    public static int[] Ids(string text)
    {
        var ids = new List<int>();
        Learnt.Value.EncodeIds(text, ids, addSpecialTokens: false);
        return [.. ids];
    }

    /// <summary>A text between separators, as a piece of packed tokens.</summary>
    public static int[] Piece(string text) => [Separator, .. Ids(text), Separator];

    /// <summary>The token between documents.</summary>
    public static int Separator => Tokenizers.Separator(Learnt.Value);

    /// <summary>Does something that needs a run.</summary>
    public static T In<T>(Func<RunContext, T> action)
    {
        using var folder = new TemporaryFolder();
        using var run = RunFolder.Open(folder["run"]);
        return action(new RunContext(run, RunProgress.None, Device.CPU, default));
    }
}
