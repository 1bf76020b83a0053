namespace Understudy.Recipes;

/// <summary>The families of models that <see cref="Bench"/> measures.</summary>
public enum BenchFamily
{
    /// <summary>A decoder that predicts every next token (GPT-NeoX).</summary>
    GptNeox,

    /// <summary>An encoder with a classification head (RoBERTa).</summary>
    Roberta,

    /// <summary>An encoder with a pooler and a classification head (BERT).</summary>
    Bert,

    /// <summary>An encoder-decoder that writes a target for a source, with as many decoder blocks as encoder blocks and a tied output (BART).</summary>
    Bart,
}
