using System.Text.Json;
using Understudy.Tokenization;

namespace Understudy.Parity;

/// <summary>Trains a byte-level BPE tokenizer on the corpus of a reference and compares vocabulary and merges.</summary>
internal static class TrainerParity
{
    public static IReadOnlyList<ParityCheck> Run(string reference, string corpus)
    {
        if (!File.Exists(corpus)) throw new FileNotFoundException($"'{reference}' needs the lines it was trained on, but there is no file '{corpus}'.", corpus);
        return ReferenceJson.Read(reference, root =>
        {
            var preTokenizer = root.GetProperty("pre_tokenizer").GetString()!;
            bool? addPrefixSpace = preTokenizer switch
            {
                "ByteLevel(add_prefix_space=False)" => false,
                "ByteLevel(add_prefix_space=True)" => true,
                _ => null,
            };
            if (addPrefixSpace is null) return [ParityCheck.Skip("trainer_bpe", $"There is no training with the pre-tokenizer '{preTokenizer}' here.")];
            var expectedVocabulary = root.GetProperty("vocab").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetInt32());
            var tokenizer = BpeTrainer.Train(File.ReadLines(corpus), new BpeTrainerOptions
            {
                VocabularySize = root.GetProperty("vocab_size").GetInt32(),
                MinFrequency = root.GetProperty("min_frequency").GetInt32(),
                SpecialTokens = [.. root.GetProperty("special_tokens").EnumerateArray().Select(token => new AddedToken { Content = token.GetString()!, Special = true })],
                AddPrefixSpace = addPrefixSpace.Value,
                AllBytes = Tokenization.PreTokenizers.ByteAlphabet.All.All(character => expectedVocabulary.ContainsKey(character.ToString())),
            });
            return Compare(root, expectedVocabulary, tokenizer);
        });
    }

    private static IReadOnlyList<ParityCheck> Compare(JsonElement root, Dictionary<string, int> expectedVocabulary, Tokenizer tokenizer)
    {
        var wrongIds = expectedVocabulary.Count(entry => tokenizer.TokenToId(entry.Key) != entry.Value)
            + Math.Max(0, tokenizer.VocabularySize - expectedVocabulary.Count);
        var expectedMerges = root.GetProperty("merges").EnumerateArray().Select(merge => (merge[0].GetString()!, merge[1].GetString()!)).ToList();
        var merges = tokenizer.Merges.ToList();
        var firstWrong = Enumerable.Range(0, Math.Max(merges.Count, expectedMerges.Count))
            .FirstOrDefault(i => i >= merges.Count || i >= expectedMerges.Count || merges[i] != expectedMerges[i], -1);
        var wrongMerges = expectedMerges.Zip(merges).Count(pair => pair.First != pair.Second) + Math.Abs(merges.Count - expectedMerges.Count);
        return
        [
            ParityCheck.Of("trainer_bpe.vocab", wrongIds, 0, $"{expectedVocabulary.Count} tokens"),
            ParityCheck.Of("trainer_bpe.merges", wrongMerges, 0, $"{expectedMerges.Count} merges" + (firstWrong < 0 ? "" : $"; first difference: merge {firstWrong}")),
        ];
    }
}
