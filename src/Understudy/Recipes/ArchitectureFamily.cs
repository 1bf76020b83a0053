namespace Understudy.Recipes;

/// <summary>The families of models that can be made from nothing.</summary>
public enum ArchitectureFamily
{
    /// <summary>A decoder for text generation and label scoring (GPT-NeoX).</summary>
    GptNeox,

    /// <summary>An encoder for classification (RoBERTa).</summary>
    Roberta,

    /// <summary>An encoder for classification with a pooler (BERT).</summary>
    Bert,

    /// <summary>An encoder with a decoder, for text from text (BART).</summary>
    Bart,
}
