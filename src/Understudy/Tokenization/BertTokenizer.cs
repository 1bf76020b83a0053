using Understudy.Tokenization.Decoders;
using Understudy.Tokenization.Models;
using Understudy.Tokenization.Normalizers;
using Understudy.Tokenization.PostProcessors;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization;

/// <summary>Puts a BERT tokenizer together around its vocabulary.</summary>
internal static class BertTokenizer
{
    /// <exception cref="ArgumentException">The vocabulary lacks [CLS] or [SEP].</exception>
    public static Tokenizer Create(
        Vocabulary vocabulary, BertNormalizer normalizer, IEnumerable<(AddedToken Token, int? Id)> addedTokens, string unk = "[UNK]", string cls = "[CLS]", string sep = "[SEP]") => new(new TokenizerParts
    {
        Model = new WordPieceModel(vocabulary, unk, "##", maxInputCharsPerWord: 100),
        AddedVocabulary = new AddedVocabulary(addedTokens, vocabulary, normalizer),
        Normalizer = normalizer,
        PreTokenizer = new BertPreTokenizer(),
        PostProcessor = new TemplatePostProcessor(
            [Text(cls, 0), new TemplatePiece(null, 0, 0), Text(sep, 0)],
            [Text(cls, 0), new TemplatePiece(null, 0, 0), Text(sep, 0), new TemplatePiece(null, 1, 1), Text(sep, 1)],
            new[] { cls, sep }.ToDictionary(token => token, token => new TemplateToken(token, [Id(vocabulary, token)], [token]))),
        Decoder = new WordPieceDecoder("##", cleanup: true),
    });

    private static TemplatePiece Text(string token, int typeId) => new(token, 0, typeId);

    private static int Id(Vocabulary vocabulary, string token) =>
        vocabulary.TryGetId(token, out var id) ? id : throw new ArgumentException($"the token '{token}' is not in the vocabulary");
}
