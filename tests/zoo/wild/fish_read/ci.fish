function ask
    read --prompt-str 'Deploy? ' answer
    echo "you said $answer"
end
ask
